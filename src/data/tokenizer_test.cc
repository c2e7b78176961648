#include "data/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/testing/files.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TokenizerTest : public ::testing::Test {
 protected:
  testing::Folder folder_;
  std::shared_ptr<const Tokenizer> tokenizer_ =
      Tokenizer::Load(folder_.Write("tokenizer.json", testing::TokenizerJson())).value();
};

TEST_F(TokenizerTest, EncodesTextsOneAfterTheOther) {
  std::vector<std::string_view> texts = {"a b", "", "c unknown"};
  Encodings encoded = tokenizer_->Encode(texts, {}, 512).value();
  EXPECT_THAT(encoded.ids, ElementsAre(2, 4, 5, 3, 2, 3, 2, 6, 1, 3));
  EXPECT_THAT(encoded.offsets, ElementsAre(0, 4, 6, 10));
  EXPECT_EQ(encoded.length(1), 2u);
}

TEST_F(TokenizerTest, CutsTheLongerTextOfAPairFirst) {
  std::vector<std::string_view> texts = {"a b c d"};
  std::vector<std::string_view> pairs = {"a"};
  Encodings encoded = tokenizer_->Encode(texts, pairs, 6).value();
  EXPECT_THAT(encoded.ids, ElementsAre(2, 4, 5, 3, 4, 3));
  EXPECT_THAT(encoded.type_ids, ElementsAre(0, 0, 0, 0, 1, 1));
}

TEST_F(TokenizerTest, KnowsItsTokensAndPadding) {
  EXPECT_EQ(tokenizer_->TokenId("[SEP]"), 3);
  EXPECT_EQ(tokenizer_->TokenId("nothing"), std::nullopt);
  EXPECT_EQ(tokenizer_->padding().has_value(), false);
}

TEST_F(TokenizerTest, FailuresBecomeStatuses) {
  std::vector<std::string_view> bad = {"ok", "\xFF"};
  Status status = tokenizer_->Encode(bad, {}, 512).status();
  EXPECT_EQ(status.reason(), "TOKENIZATION_FAILED");
  EXPECT_THAT(status.message(), HasSubstr("row 1"));
  EXPECT_EQ(Tokenizer::Load(folder_.Write("x.json", "not json")).status().reason(), "BAD_TOKENIZER");
  EXPECT_EQ(Tokenizer::Load(folder_.path() / "none").status().reason(), "FILE_NOT_FOUND");
}

}  // namespace
}  // namespace ns
