#include "runtime/timing.h"

#include <gmock/gmock.h>

#include "base/testing/fake_clock.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

// NumPy: np.quantile([1, 2, 3, 4], q).
TEST(Quantile, InterpolatesAsNumpyDoes) {
  std::vector<double> values = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(Quantile({7}, 0.95), 7);
}

TEST(BootstrapSpeedup, AConstantRatioHasNoSpread) {
  std::vector<double> first(20, 10.0), other(20, 4.0);
  LatencyRatio ratio = BootstrapSpeedup(first, other, 1);
  EXPECT_DOUBLE_EQ(ratio.value, 2.5);
  EXPECT_DOUBLE_EQ(ratio.low, 2.5);
  EXPECT_DOUBLE_EQ(ratio.high, 2.5);
}

TEST(BootstrapSpeedup, TheIntervalHoldsTheValueAndRepeats) {
  std::vector<double> first, other;
  for (int i = 0; i < 30; ++i) {
    first.push_back(10 + i % 5);
    other.push_back(5 + i % 3);
  }
  LatencyRatio ratio = BootstrapSpeedup(first, other, 7);
  EXPECT_DOUBLE_EQ(ratio.value, 2.0);  // medians 12 and 6
  EXPECT_LT(ratio.low, 2.0);
  EXPECT_GT(ratio.high, 2.0);
  EXPECT_GE(ratio.low, 10.0 / 7);
  EXPECT_LE(ratio.high, 14.0 / 5);
  LatencyRatio again = BootstrapSpeedup(first, other, 7);
  EXPECT_EQ(again.low, ratio.low);
  EXPECT_EQ(again.high, ratio.high);
}

class MeasureRunsTest : public ::testing::Test {
 protected:
  // A run that takes `ms` by the fake clock and writes its letter down.
  TimedRun Taking(char letter, int ms) {
    return [this, letter, ms](int) {
      order_ += letter;
      clock_.Advance(std::chrono::milliseconds(ms));
      return OkStatus();
    };
  }
  FakeClock clock_;
  std::string order_;
};

TEST_F(MeasureRunsTest, AlternatesTheOrderAndPairsTheRounds) {
  std::vector<TimedRun> runs = {Taking('a', 10), Taking('b', 5)};
  LatencyOptions options;
  options.warmup_runs = 1;
  options.min_rounds = options.max_rounds = 3;
  auto results = MeasureRuns(runs, options, clock_).value();
  EXPECT_EQ(order_, "ab" "ab" "ba" "ab");
  EXPECT_THAT(results[0].samples_ms, ElementsAre(10, 10, 10));
  EXPECT_DOUBLE_EQ(results[1].median_ms, 5);
  EXPECT_DOUBLE_EQ(results[1].p95_ms, 5);
  EXPECT_DOUBLE_EQ(results[1].speedup.value, 2);
  EXPECT_DOUBLE_EQ(results[0].speedup.value, 1);
}

// A budget of 10 s and rounds of 40 s or 2.5 s: one warm-up, then 3 rounds or 4.
TEST_F(MeasureRunsTest, SlowModelsGetFewerRounds) {
  std::vector<TimedRun> slow = {Taking('a', 20'000), Taking('b', 20'000)};
  EXPECT_EQ(MeasureRuns(slow, {}, clock_).value()[0].samples_ms.size(), 3u);
  EXPECT_EQ(order_.size(), 2u * (1 + 3));
  order_.clear();
  EXPECT_EQ(MeasureRuns(std::vector<TimedRun>{Taking('a', 2'500)}, {}, clock_).value()[0].samples_ms.size(), 4u);
  EXPECT_EQ(order_, "aaaaa");
}

TEST_F(MeasureRunsTest, EndsWithTheBudgetButNotBeforeTheLeastRounds) {
  std::vector<TimedRun> runs = {Taking('a', 400)};
  LatencyOptions options;
  options.warmup_runs = 0;
  options.budget_seconds = 1;
  options.min_rounds = 2;
  EXPECT_EQ(MeasureRuns(runs, options, clock_).value()[0].samples_ms.size(), 3u);  // 0.4, 0.8, 1.2 s
  options.min_rounds = 5;
  EXPECT_EQ(MeasureRuns(runs, options, clock_).value()[0].samples_ms.size(), 5u);
}

TEST_F(MeasureRunsTest, StopsAndPassesErrorsOn) {
  std::stop_source source;
  std::vector<TimedRun> runs = {[&](int) { source.request_stop(); return OkStatus(); }};
  EXPECT_EQ(MeasureRuns(runs, {}, clock_, source.get_token()).status().code(), StatusCode::kCancelled);
  runs = {[](int) { return Internal("broken"); }};
  EXPECT_EQ(MeasureRuns(runs, {}, clock_).status().message(), "broken");
  EXPECT_EQ(MeasureRuns({}, {}, clock_).status().reason(), "NO_SESSIONS");
}

TEST(MeasureLatency, RunsSessionsOnTheirRows) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[N] x) => (float[N] y) { y = Relu(x) })").value();
  Session a = Session::FromModel(model).value(), b = Session::FromModel(model).value();
  std::vector<const Session*> sessions = {&a, &b};
  std::vector<NamedTensors> rows = {{{"x", Tensor(DType::kFloat, {8})}}};
  LatencyOptions options;
  options.max_rounds = 10;
  auto results = MeasureLatency(sessions, rows, options).value();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1].samples_ms.size(), 10u);
  EXPECT_GT(results[0].median_ms, 0);
  EXPECT_EQ(MeasureLatency(sessions, {}, options).status().reason(), "NO_ROWS");
}

}  // namespace
}  // namespace ns
