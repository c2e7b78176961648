#include "tune/objective.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

const MeasuredModel kFloat{{1, 1, 1}, 1000, 4000};

TEST(ObjectiveTest, OfPerformanceAloneTheGainIsTheSpeedUp) {
  MeasuredSpeed gain = Objective().Gain({{2, 1.9, 2.1}, 250, 1000}, kFloat);
  EXPECT_DOUBLE_EQ(gain.speedup, 2);
  EXPECT_DOUBLE_EQ(gain.low, 1.9);
  EXPECT_DOUBLE_EQ(gain.high, 2.1);
}

TEST(ObjectiveTest, WeightsMakeAGeometricMean) {
  Objective objective{.performance = 1, .size = 1};
  // sqrt(2 * 4), the interval's ends alike
  EXPECT_NEAR(objective.Gain({{2, 1, 3}, 250, 0}, kFloat).speedup, 2.828427, 1e-6);
  EXPECT_NEAR(objective.Gain({{2, 1, 3}, 250, 0}, kFloat).low, 2, 1e-12);
  Objective memory{.performance = 0, .memory = 2};
  EXPECT_DOUBLE_EQ(memory.Gain({{0.5, 0.4, 0.6}, 250, 1000}, kFloat).speedup, 4);
  EXPECT_DOUBLE_EQ(memory.Gain({{0.5, 0.4, 0.6}, 250, 0}, kFloat).speedup, 1) << "not measured: no gain";
}

TEST(ObjectiveTest, ADifferenceWithinItsIntervalIsNone) {
  EXPECT_EQ(Objective::CompareWithFloat({1.1, 1.01, 1.2}), SpeedVerdict::kFaster);
  EXPECT_EQ(Objective::CompareWithFloat({1.1, 0.99, 1.2}), SpeedVerdict::kSame);
  EXPECT_EQ(Objective::CompareWithFloat({0.9, 0.8, 0.99}), SpeedVerdict::kSlower);
}

TEST(ObjectiveTest, AsFastAsFloatIsTakenWhenItIsMuchSmaller) {
  Objective objective;
  EXPECT_TRUE(objective.BeatsFloat({{1.2, 1.1, 1.3}, 1000, 0}, kFloat));
  EXPECT_TRUE(objective.BeatsFloat({{1.0, 0.9, 1.1}, 750, 0}, kFloat));
  EXPECT_FALSE(objective.BeatsFloat({{1.0, 0.9, 1.1}, 751, 0}, kFloat));
  EXPECT_FALSE(objective.BeatsFloat({{0.8, 0.7, 0.9}, 250, 0}, kFloat));
}

TEST(ObjectiveTest, MoreIsWorthItFromFivePercentOn) {
  EXPECT_FALSE(Objective().WorthMore(2.1, 2.0));
  EXPECT_TRUE(Objective().WorthMore(2.11, 2.0));
}

TEST(ObjectiveTest, SaysWhatItWeighs) {
  EXPECT_EQ(Objective().ToString(), "performance");
  EXPECT_EQ((Objective{.performance = 1, .size = 2, .memory = 0}.ToString()), "performance and size");
}

}  // namespace
}  // namespace ns
