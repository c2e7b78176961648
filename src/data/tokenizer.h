// Hugging Face's `tokenizers` (the Rust crate, behind a C ABI of ours): the same tokens as in the user's own Python.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

struct Encoding {
  std::vector<int64_t> ids;
  std::vector<int64_t> type_ids;  // 0 for the first text and its special tokens, 1 for the second
};

// Const and thread-safe.
class Tokenizer {
 public:
  // A tokenizer.json. NotFound (FILE_NOT_FOUND); InvalidArgument (BAD_TOKENIZER).
  static Result<std::unique_ptr<const Tokenizer>> Load(const std::filesystem::path& file);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Tokens of a text, or of a pair, special tokens added, cut to at most `max_length` (longest text first for a pair), not padded.
  // Both are UTF-8. InvalidArgument (TOKENIZATION_FAILED).
  Result<Encoding> Encode(std::string_view text, std::optional<std::string_view> pair, int64_t max_length) const;

  int64_t vocabulary_size() const;

 private:
  struct Handle;
  explicit Tokenizer(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace ns
