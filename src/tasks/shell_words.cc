#include "tasks/shell_words.h"

namespace ns {

namespace {

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> Run() {
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      bool good = true;
      if (c == ' ' || c == '\t' || c == '\n') {
        EndWord();
      } else if (c == '\'') {
        good = SingleQuoted();
      } else if (c == '"') {
        good = DoubleQuoted();
      } else if (c == '\\') {
        good = Escaped();
      } else {
        Put(c);
      }
      if (!good) return InvalidArgument(fmt::format("a quote is not closed in \"{}\"", text_), "UNBALANCED_QUOTES");
    }
    EndWord();
    return std::move(words_);
  }

 private:
  void Put(char c) {
    word_ += c;
    in_word_ = true;
  }
  void EndWord() {
    if (in_word_) words_.push_back(std::exchange(word_, {}));
    in_word_ = false;
  }
  bool SingleQuoted() {
    size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return false;
    word_ += text_.substr(at_ + 1, end - at_ - 1);
    in_word_ = true;
    at_ = end;
    return true;
  }
  bool DoubleQuoted() {
    in_word_ = true;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      bool quotes = text_[at_] == '\\' && at_ + 1 < text_.size() && std::string_view("$`\"\\\n").find(text_[at_ + 1]) != std::string_view::npos;
      if (quotes && text_[++at_] == '\n') continue;
      word_ += text_[at_];
    }
    return at_ < text_.size();
  }
  bool Escaped() {
    if (++at_ == text_.size()) return false;
    if (text_[at_] != '\n') Put(text_[at_]);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string word_;
  bool in_word_ = false;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> SplitWords(std::string_view text) { return Splitter(text).Run(); }

std::string QuoteWord(std::string_view word) {
  if (!word.empty() && word.find_first_of(" \t\n'\"\\") == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace ns
