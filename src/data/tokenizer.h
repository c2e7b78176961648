// Hugging Face's `tokenizers` (the Rust crate, behind a C ABI of ours): the same tokens as in the user's own Python.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// Tokens of some texts, one after the other, not padded: those of text i are at [offsets[i], offsets[i + 1]).
struct Encodings {
  std::vector<int64_t> ids;
  std::vector<int64_t> type_ids;  // which text of a pair: 0 or 1, or what else the tokenizer's file says
  std::vector<size_t> offsets;    // one more than texts

  size_t length(size_t i) const { return offsets[i + 1] - offsets[i]; }
};

// Thread-safe; Encode() runs on the calling thread only.
class Tokenizer {
 public:
  // Padding as the tokenizer's file asks for it.
  struct Padding {
    int64_t id = 0;
    int64_t type_id = 0;
    bool left = false;
  };

  // A tokenizer.json. NotFound (FILE_NOT_FOUND); InvalidArgument (BAD_TOKENIZER): not one, says where.
  static Result<std::shared_ptr<const Tokenizer>> Load(const std::filesystem::path& file);
  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // Tokens of each text, or of each pair (`pairs` empty, or as long as `texts`), special tokens added, cut to at most
  // `max_length` (of a pair, the longer text loses first). Text is UTF-8. InvalidArgument (TOKENIZATION_FAILED):
  // another encoding, or a `max_length` too small for the special tokens.
  Result<Encodings> Encode(std::span<const std::string_view> texts, std::span<const std::string_view> pairs,
                           int64_t max_length) const;

  // The id of a token as it stands in the vocabulary ("[PAD]"), if it does.
  std::optional<int64_t> TokenId(std::string_view token) const;
  std::optional<Padding> padding() const;

 private:
  struct Handle;
  explicit Tokenizer(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

}  // namespace ns
