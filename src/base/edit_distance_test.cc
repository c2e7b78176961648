#include "base/edit_distance.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

// kitten → sitten → sittin → sitting: the textbook's three.
TEST(EditDistanceTest, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("static", "statik"), 1u);
  EXPECT_EQ(EditDistance("bach_size", "batch_size"), 1u);
}

TEST(EditDistanceTest, OfNothingIsTheLengthOfTheOther) {
  EXPECT_EQ(EditDistance("", ""), 0u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("abc", ""), 3u);
}

TEST(EditDistanceTest, IsTheSameBothWays) { EXPECT_EQ(EditDistance("minmax", "max"), EditDistance("max", "minmax")); }

}  // namespace
}  // namespace ns
