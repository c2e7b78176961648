#include "data/tokenizer.h"

#include "tokenizers_abi.h"

namespace ns {

namespace {

// Takes the library's message over.
std::string TakeMessage(char* error) {
  std::string message = error != nullptr ? error : "no reason given";
  ns_tokenizer_string_free(error);
  return message;
}

ns_text Text(std::string_view text) { return {text.data(), text.size()}; }

std::vector<ns_text> Texts(std::span<const std::string_view> texts) {
  std::vector<ns_text> out;
  out.reserve(texts.size());
  for (std::string_view text : texts) out.push_back(Text(text));
  return out;
}

}  // namespace

struct Tokenizer::Handle {
  ns_tokenizer* tokenizer = nullptr;
  ~Handle() { ns_tokenizer_free(tokenizer); }
};

Tokenizer::Tokenizer(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::Load(const std::filesystem::path& file) {
  auto handle = std::make_unique<Handle>();
  char* error = nullptr;
  ns_tokenizer_code code = ns_tokenizer_from_file(file.c_str(), &handle->tokenizer, &error);
  if (code == NS_TOKENIZER_OK) return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(handle)));
  std::string message = fmt::format("tokenizer '{}': {}", file.string(), TakeMessage(error));
  if (code == NS_TOKENIZER_NOT_FOUND) return NotFound(std::move(message), "FILE_NOT_FOUND");
  return InvalidArgument(std::move(message), "BAD_TOKENIZER");
}

Result<Encodings> Tokenizer::Encode(std::span<const std::string_view> texts, std::span<const std::string_view> pairs,
                                    int64_t max_length) const {
  NS_CHECK(pairs.empty() || pairs.size() == texts.size(), "{} texts with {} pairs", texts.size(), pairs.size());
  NS_CHECK(max_length > 0, "max_length is {}", max_length);
  std::vector<ns_text> first = Texts(texts);
  std::vector<ns_text> second = Texts(pairs);
  ns_encode_options options{static_cast<size_t>(max_length), 1};
  ns_encodings* encoded = nullptr;
  char* error = nullptr;
  ns_tokenizer_code code =
      ns_tokenizer_encode(handle_->tokenizer, first.data(), second.empty() ? nullptr : second.data(), first.size(),
                          &options, &encoded, &error);
  if (code != NS_TOKENIZER_OK) {
    return InvalidArgument("tokenization failed: " + TakeMessage(error), "TOKENIZATION_FAILED");
  }
  size_t tokens = encoded->offsets[encoded->count];
  Encodings out;
  out.offsets.assign(encoded->offsets, encoded->offsets + encoded->count + 1);
  out.ids.assign(encoded->ids, encoded->ids + tokens);
  out.type_ids.assign(encoded->type_ids, encoded->type_ids + tokens);
  ns_encodings_free(encoded);
  return out;
}

std::optional<int64_t> Tokenizer::TokenId(std::string_view token) const {
  int64_t id = 0;
  if (ns_tokenizer_token_to_id(handle_->tokenizer, Text(token), &id) == 0) return std::nullopt;
  return id;
}

std::optional<Tokenizer::Padding> Tokenizer::padding() const {
  ns_padding padding{};
  if (ns_tokenizer_padding(handle_->tokenizer, &padding) == 0) return std::nullopt;
  return Padding{padding.id, padding.type_id, padding.side == NS_TOKENIZER_LEFT};
}

}  // namespace ns
