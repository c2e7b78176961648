#include "worker/baseline_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using ::testing::ElementsAre;

// How many batches of `seconds` each are evaluated.
int64_t Evaluated(BaselineLimit::Options options, double timeout, double seconds) {
  double left = timeout;
  BaselineLimit limit(options, [&] { return left; });
  for (int64_t batch = 1; batch <= options.batches; ++batch) {
    left -= seconds;
    if (!limit.Add(0, {})) return batch;
  }
  return options.batches;
}

TEST(BaselineLimitTest, AnyBeginningOfTheOrderIsSpreadOverAll) {
  BaselineLimit limit({6, 1, 1}, [] { return 1.0; });
  EXPECT_THAT(limit.order(), ElementsAre(0, 4, 2, 1, 5, 3));
  EXPECT_THAT(BaselineLimit({1, 1, 1}, [] { return 1.0; }).order(), ElementsAre(0));
}

TEST(BaselineLimitTest, WhatTakesAsLongAsExpectedIsNotEnded) {
  EXPECT_EQ(Evaluated({100, 1, 10}, 60, 0.1), 100);
  EXPECT_EQ(Evaluated({100, 1, 10}, 60, 0.15), 100) << "half as long again";
  EXPECT_EQ(Evaluated({100, 1, 50}, 60, 0.55), 100);
}

TEST(BaselineLimitTest, WhatTakesFarLongerIsEnded) {
  EXPECT_EQ(Evaluated({1000, 1, 10}, 60, 0.5), 40) << "at twice the time expected";
  EXPECT_EQ(Evaluated({1000, 1, 0.1}, 60, 0.5), 36) << "at 30 % of the timeout";
  EXPECT_EQ(Evaluated({1000, 1, 0.1}, 60, 2), 16) << "rows that are worth a comparison";
  EXPECT_EQ(Evaluated({1000, 4, 0.1}, 60, 8), 4);
}

TEST(BaselineLimitTest, IsOverWithoutABatchToo) {
  double left = 60;
  BaselineLimit limit({100, 1, 10}, [&] { return left; });
  EXPECT_EQ(limit.allowed_seconds(), 20);
  left = 39;
  EXPECT_FALSE(limit.over()) << "fewer rows than are worth a comparison";
  for (size_t batch = 0; batch < 16; ++batch) limit.Add(batch, {});
  EXPECT_TRUE(limit.over());
  EXPECT_FALSE(BaselineLimit({100, 1, 10}, [] { return 1e9; }).over());
  left = 0;
  EXPECT_TRUE(BaselineLimit({100, 1, 10}, [&] { return left; }).over());
}

TEST(BaselineLimitTest, TheTimeoutEndsItWhateverWasSeen) {
  EXPECT_EQ(Evaluated({1000, 1, 0.1}, 60, 25), 3);
  EXPECT_EQ(Evaluated({1000, 1, 50}, 60, 0.5), 120);
}

}  // namespace
}  // namespace ns
