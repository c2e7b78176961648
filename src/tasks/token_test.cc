#include "tasks/token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tasks/task_event.h"

namespace ns {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kSecret(64, 'a');

TokenRecord Ann() {
  return {"01234567", "ann", Role::kSubmit, std::string(64, 'b'), ParseTime("2026-01-31T12:00:00Z").value(), ParseTime("2026-02-28T12:00:00Z")};
}

TEST(Token, TextGoesBothWays) {
  EXPECT_EQ(FormatToken({"01234567", kSecret}), "nst_01234567_" + kSecret);
  auto parsed = ParseToken("nst_01234567_" + kSecret);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->id, "01234567");
  EXPECT_EQ(parsed->secret, kSecret);
}

TEST(Token, OtherTextsAreNoTokens) {
  for (std::string text : {std::string(), std::string("nst_"), "nst_01234567_" + kSecret + "a", "nst_0123456G_" + kSecret,
                           "nst_01234567-" + kSecret, "xst_01234567_" + kSecret, "nst_01234567_" + std::string(64, 'A')}) {
    EXPECT_FALSE(ParseToken(text).has_value()) << text;
  }
}

TEST(Token, FileKeepsHashesAndTheListDoesNotShowThem) {
  EXPECT_EQ(ParseTokens(TokensToJson({Ann()})).value(), std::vector<TokenRecord>{Ann()});
  EXPECT_THAT(TokenListJson({Ann()}), Not(HasSubstr("bbbb")));
  EXPECT_THAT(TokenListJson({Ann()}), HasSubstr("\"ann\""));
}

TEST(Token, ADamagedFileIsAnErrorNotAnEmptyList) {
  for (const char* text : {"", "[]", "{}", R"({"tokens": [{"id": "01234567"}]})",
                           R"({"tokens": [{"id": "01234567", "name": "a", "role": "root", "secret_sha256": "", "created": ""}]})"}) {
    EXPECT_EQ(ParseTokens(text).status().reason(), "BAD_TOKEN_FILE") << text;
  }
}

TEST(Token, NamesAreShortAndPlain) {
  EXPECT_TRUE(CheckTokenName("ann.b-1@lab_x").ok());
  for (std::string name : {std::string(), std::string("-x"), std::string("a b"), std::string("a\nb"), std::string(65, 'a')}) {
    EXPECT_EQ(CheckTokenName(name).reason(), "BAD_TOKEN_NAME") << name;
  }
}

}  // namespace
}  // namespace ns
