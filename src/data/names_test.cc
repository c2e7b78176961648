#include "data/names.h"

#include <gtest/gtest.h>

#include <vector>

namespace ns {
namespace {

TEST(NamesTest, NearestNeedsTheFewestEdits) {
  std::vector<std::string> known = {"mse", "mae", "mcc"};
  EXPECT_EQ(NearestName("MAEE", known), "mae");
  EXPECT_EQ(NearestName("", known), "mse");
}

TEST(NamesTest, ListsAreQuotedAndCut) {
  std::vector<std::string> names = {"a", "b", "c"};
  EXPECT_EQ(ListNames(names), "'a', 'b', 'c'");
  EXPECT_EQ(ListNames(names, 2), "'a', 'b' and 1 more");
  EXPECT_EQ(ListNames({}), "none");
}

TEST(NamesTest, ExcerptsEndAtACharactersBorderAndHoldNoControlCharacters) {
  EXPECT_EQ(Excerpt("a\nb\x1b[31m"), "a?b?[31m");
  EXPECT_EQ(Excerpt("abc", 3), "abc");
  EXPECT_EQ(Excerpt("abcd", 3), "abc...");
  EXPECT_EQ(Excerpt("ab\xC3\xA4", 3), "ab...");
}

}  // namespace
}  // namespace ns
