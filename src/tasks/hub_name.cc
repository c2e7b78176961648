#include "tasks/hub_name.h"

#include <algorithm>

#include "tasks/task_inputs.h"

namespace ns {

namespace {

constexpr size_t kMaxIdBytes = 96, kMaxRevisionBytes = 250;

bool IsWordChar(unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '_'); }

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return IsWordChar(c) || c == '-' || c == '.'; });
}

bool IsPartOfId(std::string_view text) {
  return !text.empty() && IsPlain(text) && IsWordChar(text.front()) && IsWordChar(text.back()) && text.find("--") == text.npos &&
         text.find("..") == text.npos;
}

// It becomes a path below refs/ of the cache, and part of an address.
bool IsRevision(std::string_view text) {
  if (text.empty() || text.size() > kMaxRevisionBytes || text.ends_with('/')) return false;
  while (!text.empty()) {
    size_t slash = std::min(text.find('/'), text.size());
    std::string_view part = text.substr(0, slash);
    if (part.empty() || part.front() == '.' || !IsPlain(part)) return false;
    text.remove_prefix(std::min(slash + 1, text.size()));
  }
  return true;
}

bool EndsAsAFile(std::string_view id) {
  return IsArchiveName(id) || id.ends_with(".onnx") || id.ends_with(".git") || id.ends_with(".json") || id.ends_with(".py");
}

}  // namespace

Result<HubName> ParseHubName(std::string_view text) {
  auto bad = [&](std::string_view why) { return InvalidArgument(fmt::format("\"{}\" is no model of the hub: {}", text, why), "BAD_HUB_NAME"); };
  size_t at = text.find('@');
  HubName name;
  name.id = text.substr(0, at);
  if (at != text.npos) name.revision = text.substr(at + 1);
  size_t slash = name.id.find('/');
  std::string_view id = name.id;
  bool good = slash == id.npos ? IsPartOfId(id) : IsPartOfId(id.substr(0, slash)) && IsPartOfId(id.substr(slash + 1));
  if (!good || id.size() > kMaxIdBytes) return bad("they are named \"owner/name\" or \"owner/name@revision\"");
  if (EndsAsAFile(id)) return bad("it is named like a file");
  if (!IsRevision(name.revision)) return bad(fmt::format("\"{}\" is no branch, tag or commit", name.revision));
  return name;
}

bool IsHubName(std::string_view text) { return ParseHubName(text).ok(); }

}  // namespace ns
