#include "tune/stop_condition.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(StopConditionTest, StopsAtTheLastTrialAllowed) {
  StopCondition stop{.max_trials = 3};
  std::string why;
  EXPECT_FALSE(stop.Reached(2, 1e9, &why));
  EXPECT_TRUE(stop.Reached(3, 0, &why));
  EXPECT_EQ(why, "the 3 trials allowed are used up");
}

TEST(StopConditionTest, StopsWhenTheTimeHasPassed) {
  StopCondition stop{.max_trials = 3, .timeout_seconds = 1.5};
  std::string why;
  EXPECT_FALSE(stop.Reached(0, 1.49, &why));
  EXPECT_TRUE(stop.Reached(0, 1.5, &why));
  EXPECT_EQ(why, "the 1.5 s allowed have passed");
}

TEST(StopConditionTest, ZeroMeansNoTimeout) {
  EXPECT_FALSE(StopCondition{}.Reached(99, 1e12));
}

}  // namespace
}  // namespace ns
