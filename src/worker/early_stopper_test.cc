#include "worker/early_stopper.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

Evaluation RightOrWrong(const std::vector<double>& sums) {
  Evaluation evaluation;
  MetricEvaluation metric;
  for (double sum : sums) {
    metric.scores.push_back({sum, 1});
    metric.value += sum / static_cast<double>(sums.size());
  }
  evaluation.metrics.push_back(metric);
  return evaluation;
}

AccuracyGoals Goals(double baseline, double tolerable, bool higher = true) {
  return AccuracyGoals({{"metric", {CriterionKind::kAbsolute, tolerable, higher}, baseline}});
}

TEST(EarlyStopperTest, EndsOnceMoreIsLostThanTheGoalAllows) {
  // Four rows right of four; a loss of 0.25 is one row.
  Evaluation baseline = RightOrWrong({1, 1, 1, 1});
  EarlyStopper stopper(Goals(1, 0.25), baseline, 1, 0);
  ASSERT_TRUE(stopper.useful());
  EarlyStopper::Watch watch(stopper);
  const double right[] = {1}, wrong[] = {0};
  EXPECT_TRUE(watch.Add(watch.order()[0], wrong));
  EXPECT_TRUE(watch.Add(watch.order()[1], right));
  EXPECT_FALSE(watch.Add(watch.order()[2], wrong));
}

TEST(EarlyStopperTest, OfAnErrorLowerIsBetterAndNothingIsBetterThanZero) {
  Evaluation baseline = RightOrWrong({1, 1});  // errors: mean 1
  EarlyStopper stopper(Goals(1, 0.5, false), baseline, 1, 0);
  EarlyStopper::Watch watch(stopper);
  const double error[] = {3.1};  // even an error of 0 in the other row gives a mean of 1.55
  EXPECT_FALSE(watch.Add(watch.order()[0], error));
  EarlyStopper::Watch other(stopper);
  const double less[] = {2.9};
  EXPECT_TRUE(other.Add(other.order()[0], less));
}

TEST(EarlyStopperTest, WhereAFailedCandidateLostComesFirstForTheNext) {
  Evaluation baseline = RightOrWrong({1, 1, 1, 1, 1, 1});
  EarlyStopper stopper(Goals(1, 0.0), baseline, 2, 0);  // three batches of two rows
  EarlyStopper::Watch failed(stopper);
  const double one_of_two[] = {1}, both[] = {2};
  for (size_t batch : failed.order()) {
    if (!failed.Add(batch, batch == 2 ? one_of_two : both)) break;
  }
  EXPECT_EQ(EarlyStopper::Watch(stopper, stopper.HardOf(failed)).order()[0], 2u);
}

TEST(EarlyStopperTest, MetricsThatDontAddUpAndGoalsOutOfReachEndNothing) {
  Evaluation f1;
  f1.metrics.push_back({0.8, {}, {{1}}});
  EXPECT_FALSE(EarlyStopper(Goals(0.8, 0.01), f1, 1, 0).useful());
  EXPECT_FALSE(EarlyStopper(Goals(1, -0.5), RightOrWrong({1, 1}), 1, 0).useful());
}

}  // namespace
}  // namespace ns
