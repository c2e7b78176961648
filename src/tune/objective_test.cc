#include "tune/objective.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(ObjectiveTest, ADifferenceWithinTheIntervalIsNone) {
  EXPECT_EQ(Objective::CompareWithFloat({.speedup = 1.04, .low = 0.99, .high = 1.09}), SpeedVerdict::kSame);
  EXPECT_EQ(Objective::CompareWithFloat({.speedup = 1.04, .low = 1.01, .high = 1.07}), SpeedVerdict::kFaster);
  EXPECT_EQ(Objective::CompareWithFloat({.speedup = 0.9, .low = 0.85, .high = 0.99}), SpeedVerdict::kSlower);
}

TEST(ObjectiveTest, ASmallerModelOfTheSameSpeedBeatsFloat) {
  Objective objective;
  MeasuredSpeed same{.speedup = 1.0, .low = 0.98, .high = 1.02};
  EXPECT_TRUE(objective.BeatsFloat(same, 75, 100));
  EXPECT_FALSE(objective.BeatsFloat(same, 76, 100));
}

TEST(ObjectiveTest, ASlowerModelNeverBeatsFloat) {
  EXPECT_FALSE(Objective{}.BeatsFloat({.speedup = 0.9, .low = 0.85, .high = 0.95}, 1, 100));
}

TEST(ObjectiveTest, RepairsOnlyForAWorthwhileGain) {
  EXPECT_TRUE(Objective{}.WorthRepair(1.06, 1.0));
  EXPECT_FALSE(Objective{}.WorthRepair(1.05, 1.0));
}

}  // namespace
}  // namespace ns
