#include "data/bootstrap.h"

#include <gtest/gtest.h>

#include "data/metrics/f1.h"
#include "data/metrics/pearson.h"

namespace ns {
namespace {

Result<std::unique_ptr<Metric>> MakeF1() {
  return std::unique_ptr<Metric>(std::make_unique<F1Metric>(F1Metric::Average::kBinary, MetricOptions{}));
}
Result<std::unique_ptr<Metric>> MakePearson() { return std::unique_ptr<Metric>(std::make_unique<PearsonMetric>(MetricOptions{})); }

// The state of one row: number, labelled, predicted and right of each class in it.
std::vector<double> Row(double label, double predicted) {
  if (label == predicted) return {label, 1, 1, 1};
  return {label, 1, 0, 0, predicted, 0, 1, 0};
}

// 400 positive rows of 800. The candidate misses every 10th positive, the baseline every 20th (of the same): F1 = 2 TP / (P + TP) is
// 720/760 = 0.947368 and 760/780 = 0.974359. With m of 400 missed F1 = 2 (400 - m) / (800 - m), so near m = 30 a row more costs
// 800 / 770^2 = 0.00134931. The candidate misses 20 rows that the baseline gets right; in a draw their number is Poisson-like with
// deviation sqrt(20 (1 - 20/800)) = 4.416: a deviation of the difference near 0.00596, and 95 % within 1.96 of them: ± 0.01168.
TEST(BootstrapTest, TheIntervalOfF1IsAsWideAsTheDeltaMethodSays) {
  MetricStates candidate, baseline;
  for (int i = 0; i < 800; ++i) {
    int label = i < 400 ? 1 : 0;
    candidate.push_back(Row(label, i < 400 && i % 10 == 0 ? 0 : label));
    baseline.push_back(Row(label, i < 400 && i % 20 == 0 ? 0 : label));
  }
  auto interval = BootstrapDifference(MakeF1, candidate, baseline);
  ASSERT_TRUE(interval.ok());
  EXPECT_NEAR(interval->value, 720.0 / 760 - 760.0 / 780, 1e-12);
  EXPECT_NEAR(interval->low, interval->value - 0.01168, 0.002);
  EXPECT_NEAR(interval->high, interval->value + 0.01168, 0.002);
}

TEST(BootstrapTest, TheSameSeedGivesTheSameInterval) {
  MetricStates candidate, baseline;
  for (int i = 0; i < 60; ++i) {
    candidate.push_back(Row(i % 2, i % 3 == 0 ? 1 : 0));
    baseline.push_back(Row(i % 2, i % 5 == 0 ? 1 : 0));
  }
  auto first = BootstrapDifference(MakeF1, candidate, baseline, {.resamples = 199, .seed = 7}).value();
  auto second = BootstrapDifference(MakeF1, candidate, baseline, {.resamples = 199, .seed = 7}).value();
  auto other = BootstrapDifference(MakeF1, candidate, baseline, {.resamples = 199, .seed = 8}).value();
  EXPECT_EQ(first.low, second.low);
  EXPECT_EQ(first.high, second.high);
  EXPECT_TRUE(first.low != other.low || first.high != other.high);
}

TEST(BootstrapTest, ModelsThatAgreeOnEveryRowDifferByNothing) {
  MetricStates same(20, Row(1, 1));
  auto interval = BootstrapDifference(MakeF1, same, same).value();
  EXPECT_EQ(interval.value, 0);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 0);
}

// Of three pairs one draw in nine holds one of them three times, a constant without a correlation. Pearson's state: count, means, centred sums.
TEST(BootstrapTest, DrawsWithoutAValueDoNotCount) {
  MetricStates pairs = {{1, 0, 0, 0, 0, 0}, {1, 1, 1, 0, 0, 0}, {1, 2, 2, 0, 0, 0}};
  auto interval = BootstrapDifference(MakePearson, pairs, pairs);
  ASSERT_TRUE(interval.ok()) << interval.status().ToString();
  EXPECT_NEAR(interval->high, 0, 1e-12);
  MetricStates constant(2, {1, 3, 3, 0, 0, 0});
  EXPECT_EQ(BootstrapDifference(MakePearson, constant, constant).status().reason(), "UNDEFINED_METRIC");
}

TEST(BootstrapTest, RefusesWhatIsNoPair) {
  MetricStates one(1, Row(1, 1)), two(2, Row(1, 1));
  EXPECT_EQ(BootstrapDifference(MakeF1, one, two).status().reason(), "ROW_COUNT_MISMATCH");
  EXPECT_EQ(BootstrapDifference(MakeF1, {}, {}).status().reason(), "NO_ROWS");
  EXPECT_EQ(BootstrapDifference(MakeF1, {{1}}, {{1}}).status().reason(), "BAD_METRIC_STATE");
}

}  // namespace
}  // namespace ns
