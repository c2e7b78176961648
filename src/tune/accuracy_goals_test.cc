#include "tune/accuracy_goals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ns {
namespace {

AccuracyGoals TwoGoals() {
  AccuracyCriterion accuracy{CriterionKind::kRelative, 0.01, true};   // of 0.9: 0.891
  AccuracyCriterion error{CriterionKind::kAbsolute, 0.1, false};      // of 2: 2.1
  return AccuracyGoals({{"accuracy", accuracy, 0.9}, {"mse", error, 2}});
}

TEST(AccuracyGoalsTest, AllOfThemMustHold) {
  AccuracyGoals goals = TwoGoals();
  EXPECT_TRUE(goals.Accepts(std::vector{0.9, 2.1}));
  EXPECT_FALSE(goals.Accepts(std::vector{0.89, 2.0}));
  EXPECT_FALSE(goals.Accepts(std::vector{0.9, 2.2}));
  EXPECT_FALSE(goals.Accepts(std::vector{0.9, std::nan("")}));
  EXPECT_TRUE(goals.BaselineHolds());
}

TEST(AccuracyGoalsTest, TheMarginIsTheLeastInUnitsOfTheTolerableLoss) {
  AccuracyGoals goals = TwoGoals();
  EXPECT_DOUBLE_EQ(goals.Margin(std::vector{0.9, 2.0}), 1);
  EXPECT_NEAR(goals.Margin(std::vector{0.9, 2.15}), -0.5, 1e-9);   // loses 0.15 of 0.1
  EXPECT_NEAR(goals.Margin(std::vector{0.873, 2.0}), -2, 1e-9);    // loses 3 % of 1 %
  EXPECT_EQ(goals.Margin(std::vector<double>{0.9, INFINITY}), -std::numeric_limits<double>::infinity());
}

TEST(AccuracyGoalsTest, ACriterionThatAsksForMoreThanTheBaselineIsNotHeldByIt) {
  AccuracyGoals goals({{"accuracy", {CriterionKind::kAbsolute, -0.05, true}, 0.9}});
  EXPECT_FALSE(goals.BaselineHolds());
}

}  // namespace
}  // namespace ns
