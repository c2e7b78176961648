#include "cli/config_file.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

const std::vector<std::string> kKnown = {"workspace", "restful_api_port", "insecure"};

TEST(ConfigFileTest, ReadsNamesValuesQuotesAndComments) {
  auto file = ParseConfig("f", "# c\n; c\n\n workspace = \" a # b \"  # c\r\nrestful_api_port=80 # c\ninsecure =\n", kKnown);
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->Find("workspace")->value, " a # b ");
  EXPECT_EQ(file->Find("workspace")->line, 4);
  EXPECT_EQ(file->Find("restful_api_port")->value, "80");
  EXPECT_EQ(file->Find("insecure")->value, "");
  EXPECT_EQ(file->Find("nothing"), nullptr);
}

TEST(ConfigFileTest, NamesTheLineAndTheNearestName) {
  EXPECT_EQ(ParseConfig("f", "\nrestful_port = 1\n", kKnown).status().message(), "f:2: 'restful_port' is no option; did you mean 'restful_api_port'?");
  EXPECT_EQ(ParseConfig("f", "zzzzzzzzz = 1", kKnown).status().message(), "f:1: 'zzzzzzzzz' is no option");
  EXPECT_EQ(ParseConfig("f", "workspace \"x", kKnown).status().message(), "f:1: write \"name = value\", not 'workspace \"x'");
  EXPECT_EQ(ParseConfig("f", "workspace = \"x", kKnown).status().message(), "f:1: the closing quote is missing");
  EXPECT_EQ(ParseConfig("f", "workspace = x\nworkspace = y", kKnown).status().message(), "f:2: 'workspace' stands in line 1 already");
}

TEST(NearestTest, IsNoneWhenNothingIsNear) {
  EXPECT_EQ(Nearest("insecur", kKnown), "insecure");
  EXPECT_EQ(Nearest("x", kKnown), std::nullopt);
}

}  // namespace
}  // namespace ns
