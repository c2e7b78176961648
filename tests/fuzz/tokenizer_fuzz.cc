// tokenizer.json: what loads also tokenizes.
#include <array>

#include "data/tokenizer.h"
#include "fuzz_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ns::FuzzFile file("tokenizer.json");
  auto tokenizer = ns::Tokenizer::Load(file.Write(data, size));
  if (!tokenizer.ok()) return 0;
  std::array<std::string_view, 3> texts = {"a plain text", "", "\xC3\xA9\xF0\x9F\x98\x80 [CLS] ##x"};
  for (int64_t length : {2, 16}) {
    auto encodings = (*tokenizer)->Encode(texts, {}, length);
    if (!encodings.ok()) continue;
    for (size_t i = 0; i < texts.size(); ++i) NS_CHECK(encodings->length(i) <= static_cast<size_t>(length));
  }
  (void)(*tokenizer)->padding();
  (void)(*tokenizer)->TokenId("[PAD]");
  return 0;
}
