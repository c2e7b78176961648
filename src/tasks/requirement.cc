#include "tasks/requirement.h"

#include <algorithm>
#include <string>

namespace ns {

namespace {

constexpr size_t kMaxLength = 500;

bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Recursive descent over PEP 508's grammar. Each reader returns false where the text is not what it reads.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Requirement() {
    if (!Name()) return false;
    if (Take('[') && !Extras()) return false;
    if (Take('@')) return Address() && (AtEnd() || (Take(';') && Marker(0) && AtEnd()));
    bool bracketed = Take('(');
    if (IsVersionOperator() && !Versions()) return false;
    if (bracketed && !Take(')')) return false;
    return AtEnd() || (Take(';') && Marker(0) && AtEnd());
  }

 private:
  void SkipBlanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool AtEnd() {
    SkipBlanks();
    return at_ == text_.size();
  }
  bool Take(char c) {
    SkipBlanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    SkipBlanks();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  template <typename Wanted>
  std::string_view Run(Wanted wanted) {
    SkipBlanks();
    size_t begin = at_;
    while (at_ < text_.size() && wanted(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // Letters, digits, '.', '_', '-'; a letter or digit at both ends.
  bool Name() {
    std::string_view name = Run([](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
    return !name.empty() && IsAlnum(name.front()) && IsAlnum(name.back());
  }
  bool Extras() {
    if (Take(']')) return true;
    do {
      if (!Name()) return false;
    } while (Take(','));
    return Take(']');
  }
  bool IsVersionOperator() {
    SkipBlanks();
    return at_ < text_.size() && std::string_view("<>=!~").find(text_[at_]) != std::string_view::npos;
  }
  bool VersionOperator() {
    for (const char* op : {"===", "<=", ">=", "==", "!=", "~=", "<", ">"}) {
      if (TakeWord(op)) return true;
    }
    return false;
  }
  bool Versions() {
    do {
      if (!VersionOperator()) return false;
      if (Run([](char c) { return IsAlnum(c) || std::string_view("._*+!-").find(c) != std::string_view::npos; }).empty()) return false;
    } while (Take(','));
    return true;
  }
  // A blank ends it: "name @ https://... ; marker".
  bool Address() {
    std::string_view address = Run([](char c) { return c > ' ' && c < 0x7f; });
    constexpr std::string_view kScheme = "https://";
    return address.starts_with(kScheme) && address.size() > kScheme.size() && IsAlnum(address[kScheme.size()]);
  }
  bool Marker(int depth) {
    do {
      if (!MarkerTerm(depth)) return false;
    } while (TakeWord("and ") || TakeWord("or "));
    return true;
  }
  bool MarkerTerm(int depth) {
    if (Take('(')) return depth < 20 && Marker(depth + 1) && Take(')');
    return MarkerValue() && MarkerOperator() && MarkerValue();
  }
  bool MarkerOperator() {
    if (TakeWord("in ")) return true;
    if (TakeWord("not ")) return TakeWord("in ");
    return VersionOperator();
  }
  bool MarkerValue() {
    for (char quote : {'\'', '"'}) {
      if (!Take(quote)) continue;
      size_t end = text_.find(quote, at_);
      if (end == std::string_view::npos) return false;
      at_ = end + 1;
      return true;
    }
    static constexpr const char* kVariables[] = {"python_version", "python_full_version", "os_name", "sys_platform", "platform_release",
                                                 "platform_system", "platform_version", "platform_machine",
                                                 "platform_python_implementation", "implementation_name", "implementation_version", "extra"};
    std::string_view name = Run([](char c) { return IsAlnum(c) || c == '_'; });
    return std::find(std::begin(kVariables), std::end(kVariables), name) != std::end(kVariables);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Status CheckRequirement(std::string_view text) {
  auto bad = [&](std::string_view why) { return InvalidArgument(std::string(why), "BAD_REQUIREMENT"); };
  if (text.size() > kMaxLength) return bad(fmt::format("must be at most {} bytes", kMaxLength));
  if (text.starts_with("-")) return bad("pip's options are not taken: only requirements such as \"torch>=2\"");
  if (text.find("://") == std::string_view::npos && text.find_first_of("/\\") != std::string_view::npos) {
    return bad("local paths are not taken: only requirements such as \"torch>=2\"");
  }
  if (Reader(text).Requirement()) return OkStatus();
  return bad("must be a requirement such as \"torch>=2\", \"name[extra]~=1.4; python_version<'3.12'\" or \"name @ https://...\" (PEP 508)");
}

std::string_view AddressOfRequirement(std::string_view text) {
  size_t at = text.find_first_of("@;(<>=!~");  // before an address there are a name and extras, which have none of these
  if (at == text.npos || text[at] != '@') return {};
  size_t begin = text.find_first_not_of(" \t", at + 1);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_first_of(" \t", begin) - begin);
}

}  // namespace ns
