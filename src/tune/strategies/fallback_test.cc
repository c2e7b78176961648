#include "tune/strategies/fallback.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

struct Asked {
  std::vector<int> counts;
  int least = 0;
  Result<int> Find(int most) {
    return LeastThatHolds(most, [&](int count) -> Result<bool> {
      counts.push_back(count);
      return count >= least;
    });
  }
};

TEST(LeastThatHoldsTest, DoublesThenHalvesTheGap) {
  Asked asked{{}, 6};
  EXPECT_EQ(asked.Find(40).value(), 6);
  EXPECT_EQ(asked.counts, (std::vector{1, 2, 4, 8, 6, 5}));
}

TEST(LeastThatHoldsTest, AsksOnceWhereTheFirstHolds) {
  Asked asked{{}, 1};
  EXPECT_EQ(asked.Find(40).value(), 1);
  EXPECT_EQ(asked.counts, std::vector{1});
}

TEST(LeastThatHoldsTest, AsksForTheMostBeforeItGivesUp) {
  Asked asked{{}, 7};
  EXPECT_EQ(asked.Find(6).value(), 7);
  EXPECT_EQ(asked.counts, (std::vector{1, 2, 4, 6}));
}

TEST(LeastThatHoldsTest, OfNoneAsksNothing) {
  Asked asked{{}, 1};
  EXPECT_EQ(asked.Find(0).value(), 1);
  EXPECT_TRUE(asked.counts.empty());
}

TEST(LeastThatHoldsTest, NeverAsksMoreThanItsHeaderSaysAndNothingTwice) {
  for (int most = 1; most <= 70; ++most)
    for (int least = 1; least <= most; ++least) {
      Asked asked{{}, least};
      ASSERT_EQ(asked.Find(most).value(), least);
      int log2 = 0;
      while ((1 << log2) < least) ++log2;
      EXPECT_LE(asked.counts.size(), static_cast<size_t>(2 * log2 + 1)) << most << " " << least;
      std::sort(asked.counts.begin(), asked.counts.end());
      EXPECT_EQ(std::adjacent_find(asked.counts.begin(), asked.counts.end()), asked.counts.end());
    }
}

}  // namespace
}  // namespace ns
