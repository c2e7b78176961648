#include "worker/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "data/array_data_set.h"
#include "graph/model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two classes: the scores are the input times `gain`.
Model Scores(float gain, std::string_view batch = "N") {
  Model model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[{0}, 2] x) => (float[{0}, 2] logits) <float[1] gain = {{1}}> {{ logits = Mul(x, gain) }})",
                                            batch))
                    .value();
  model.SetWeight("gain", Tensor::From<float>({1}, {gain}));
  return model;
}

// Rows whose larger entry is column i % 2; labels say 0, so that every second row is right.
std::unique_ptr<DataSet> Rows(const Model& model, int64_t rows, bool labels = true) {
  Tensor x(DType::kFloat, {rows, 2}), y(DType::kInt64, {rows});
  for (int64_t i = 0; i < rows; ++i) x.mutable_values<float>()[static_cast<size_t>(2 * i + i % 2)] = 1;
  std::map<std::string, Tensor> arrays = {{"x", x}};
  if (labels) arrays["labels"] = y;
  return ArrayDataSet::Create(arrays, model.inputs(), {}).value();
}

Evaluator Make(const DataSet& data, std::vector<int64_t> rows, const EvaluatorOptions& options) {
  TensorSpec output{"logits", DType::kFloat, {-1, 2}, true, {}};
  return Evaluator::Create(data, std::move(rows), std::span(&output, 1), options, nullptr).value();
}

EvaluatorOptions Options(std::string metric, int threads = 1, int64_t batch = 0) {
  EvaluatorOptions options;
  options.metrics = {{std::move(metric), {}}};
  options.threads = threads;
  options.batch_size = batch;
  return options;
}

TEST(EvaluatorTest, CountsTheRowsGivenAndNoOthers) {
  Model model = Scores(1);
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  Evaluator evaluator = Make(*data, {0, 1, 2, 4}, Options("accuracy"));
  Evaluation evaluation = evaluator.EvaluateBaseline(session, progress, {}).value();
  EXPECT_DOUBLE_EQ(evaluation.metrics[0].value, 0.75);  // rows 0, 2, 4 of four
  EXPECT_EQ(evaluation.rows, 4);
  EXPECT_THAT(evaluation.metrics[0].scores, ElementsAre(RowScore{1, 1}, RowScore{0, 1}, RowScore{1, 1}, RowScore{1, 1}));
}

// All labels are 0; one model is right in every even row, the other in every odd one: the same F1, and neither surely better.
TEST(EvaluatorTest, AMetricThatDoesNotAddUpHasAnIntervalToo) {
  Model model = Scores(1);
  auto data = Rows(model, 100);
  std::vector<int64_t> rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  NullProgress progress;
  Evaluator evaluator = Make(*data, rows, Options("f1_macro"));
  Evaluation even = evaluator.EvaluateBaseline(Session::FromModel(model).value(), progress, {}).value();
  Evaluation odd = evaluator.Evaluate(Session::FromModel(Scores(-1)).value(), progress, {}).value();
  EXPECT_TRUE(even.metrics[0].scores.empty());
  PairedInterval interval = evaluator.Difference(odd, even).value();
  EXPECT_DOUBLE_EQ(interval.value, 0);
  EXPECT_LT(interval.low, -0.01);
  EXPECT_GT(interval.high, 0.01);
}

// Rows are drawn, not batches, of which there may be one.
TEST(EvaluatorTest, TheIntervalDoesNotDependOnTheBatch) {
  Model model = Scores(1), other = Scores(-1);
  auto data = Rows(model, 100);
  std::vector<int64_t> rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  NullProgress progress;
  std::vector<PairedInterval> intervals;
  for (int64_t batch : {1, 32, 100}) {
    Evaluator evaluator = Make(*data, rows, Options("f1_macro", 2, batch));
    Evaluation baseline = evaluator.EvaluateBaseline(Session::FromModel(model).value(), progress, {}).value();
    EXPECT_EQ(baseline.rows, 100);
    EXPECT_EQ(baseline.metrics[0].states.size(), 100u);
    intervals.push_back(evaluator.Difference(evaluator.Evaluate(Session::FromModel(other).value(), progress, {}).value(), baseline).value());
    EXPECT_EQ(intervals.back().low, intervals[0].low);
    EXPECT_EQ(intervals.back().high, intervals[0].high);
  }
}

class EndsAfter final : public EvaluationWatch {
 public:
  EndsAfter(std::vector<size_t> order, int count) : order_(std::move(order)), count_(count) {}
  const std::vector<size_t>& order() const override { return order_; }
  bool Add(size_t, std::span<const double>) override { return --count_ > 0; }

 private:
  std::vector<size_t> order_;
  int count_;
};

TEST(EvaluatorTest, ABaselineThatIsEndedLeavesTheRowsThatItHasSeen) {
  Model model = Scores(1);
  auto data = Rows(model, 10);
  std::vector<int64_t> rows(10);
  std::iota(rows.begin(), rows.end(), 0);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  for (const char* metric : {"accuracy", "f1_macro", "agreement"}) {
    SCOPED_TRACE(metric);
    Evaluator evaluator = Make(*data, rows, Options(metric, 2, 3));  // batches of 3, 3, 3 and 1
    EndsAfter watch({3, 1, 0, 2}, 2);
    Evaluation baseline = evaluator.EvaluateBaseline(session, progress, {}, Pace::kUsual, &watch).value();
    EXPECT_EQ(baseline.rows, 4);
    EXPECT_FALSE(baseline.stopped_early);
    EXPECT_THAT(evaluator.rows(), ElementsAre(3, 4, 5, 9));
    EXPECT_EQ(evaluator.batches(), 2);
    Evaluator same = Make(*data, {3, 4, 5, 9}, Options(metric, 1, 3));
    EXPECT_EQ(baseline.values(), same.EvaluateBaseline(session, progress, {}).value().values());
    EXPECT_EQ(evaluator.Evaluate(session, progress, {}).value().values(), baseline.values());
  }
}

TEST(EvaluatorTest, ThreadsAndBatchesChangeNothing) {
  Model model = Scores(1);
  auto data = Rows(model, 101);
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 101; ++i) rows.push_back(100 - i);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  Evaluation one = Make(*data, rows, Options("accuracy", 1, 1)).EvaluateBaseline(session, progress, {}).value();
  Evaluation many = Make(*data, rows, Options("accuracy", 4, 7)).EvaluateBaseline(session, progress, {}).value();
  EXPECT_EQ(one.metrics[0].value, many.metrics[0].value);
  EXPECT_EQ(one.metrics[0].scores, many.metrics[0].scores);
}

TEST(EvaluatorTest, AFixedBatchIsFilledUpAndCountsItsOwnRows) {
  Model model = Scores(1, "4");
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  Evaluator evaluator = Make(*data, {0, 2, 4, 6, 8, 1}, Options("accuracy"));
  EXPECT_EQ(evaluator.batch_size(), 4);
  Evaluation evaluation = evaluator.EvaluateBaseline(session, progress, {}).value();
  EXPECT_EQ(evaluation.rows, 6);
  EXPECT_DOUBLE_EQ(evaluation.metrics[0].value, 5.0 / 6);
}

TEST(EvaluatorTest, AgreementComparesWithTheBaseline) {
  Model model = Scores(1), turned = Scores(-1);
  auto data = Rows(model, 10, false);
  Session session = Session::FromModel(model).value(), other = Session::FromModel(turned).value();
  NullProgress progress;
  Evaluator evaluator = Make(*data, {0, 1, 2, 3}, Options("agreement", 2));
  EXPECT_EQ(evaluator.EvaluateBaseline(session, progress, {}).value().metrics[0].value, 1);
  EXPECT_EQ(evaluator.Evaluate(session, progress, {}).value().metrics[0].value, 1);
  EXPECT_EQ(evaluator.Evaluate(other, progress, {}).value().metrics[0].value, 0);
}

TEST(EvaluatorTest, AnOutputThatIsNoNumberNamesTheRow) {
  Model model = Scores(std::nanf(""));
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  Status status = Make(*data, {3}, Options("accuracy")).EvaluateBaseline(session, progress, {}).status();
  EXPECT_EQ(status.reason(), "NON_FINITE_OUTPUT");
  EXPECT_THAT(status.message(), HasSubstr("row 3"));
}

TEST(EvaluatorTest, StopsWhenAsked) {
  Model model = Scores(1);
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  std::stop_source stop;
  stop.request_stop();
  Status status =
      Make(*data, {0, 1}, Options("accuracy")).EvaluateBaseline(session, progress, stop.get_token()).status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
}

TEST(EvaluatorTest, RefusesABatchLargerThanTheModels) {
  Model model = Scores(1, "4");
  auto data = Rows(model, 10);
  TensorSpec output{"logits", DType::kFloat, {4, 2}, true, {}};
  auto evaluator = Evaluator::Create(*data, {0}, std::span(&output, 1), Options("accuracy", 1, 5), nullptr);
  EXPECT_EQ(evaluator.status().reason(), "BATCH_TOO_LARGE");
}

TEST(EvaluatorTest, SeveralMetricsAreTakenFromOneRun) {
  Model model = Scores(1);
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  EvaluatorOptions options = Options("accuracy");
  options.metrics.push_back({"agreement", {}});
  Evaluator evaluator = Make(*data, {0, 1, 2, 4}, options);
  ASSERT_TRUE(evaluator.EvaluateBaseline(session, progress, {}).ok());
  Evaluation turned = evaluator.Evaluate(Session::FromModel(Scores(-1)).value(), progress, {}).value();
  EXPECT_THAT(turned.values(), ElementsAre(0.25, 0));  // row 1 alone is right, and no row agrees
}

// Takes the batches backwards and ends after `enough`.
class Backwards final : public EvaluationWatch {
 public:
  Backwards(size_t batches, size_t enough) : order_(batches), enough_(enough) {
    std::iota(order_.rbegin(), order_.rend(), 0u);
  }
  const std::vector<size_t>& order() const override { return order_; }
  bool Add(size_t batch, std::span<const double> sums) override {
    seen.emplace_back(batch, sums[0]);
    return seen.size() < enough_;
  }
  std::vector<std::pair<size_t, double>> seen;

 private:
  std::vector<size_t> order_;
  size_t enough_;
};

TEST(EvaluatorTest, AWatchIsToldOfEachBatchInItsOrderAndMayEndTheEvaluation) {
  Model model = Scores(1);
  auto data = Rows(model, 100);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  std::vector<int64_t> rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  for (int threads : {1, 4}) {
    Evaluator evaluator = Make(*data, rows, Options("accuracy", threads));
    Backwards watch(100, 3);
    Evaluation evaluation = evaluator.Evaluate(session, progress, {}, &watch).value();
    EXPECT_THAT(watch.seen, ElementsAre(std::pair(99u, 0.0), std::pair(98u, 1.0), std::pair(97u, 0.0)));
    EXPECT_TRUE(evaluation.stopped_early);
    EXPECT_EQ(evaluation.rows, 3) << "what else had been run by chance does not count";
    EXPECT_DOUBLE_EQ(evaluation.metrics[0].value, 1.0 / 3);
  }
}

TEST(EvaluatorTest, AWatchThatLetsItGoOnChangesNothing) {
  Model model = Scores(1);
  auto data = Rows(model, 10);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  Evaluator evaluator = Make(*data, {0, 1, 2, 3, 4}, Options("accuracy"));
  Backwards watch(5, 100);
  Evaluation evaluation = evaluator.Evaluate(session, progress, {}, &watch).value();
  EXPECT_FALSE(evaluation.stopped_early);
  EXPECT_EQ(evaluation.rows, 5);
  EXPECT_DOUBLE_EQ(evaluation.metrics[0].value, 0.6);
}

// An odd number of rows in batches of three, f1 and mse over them: states that add up and some that don't.
TEST(EvaluatorTest, PartsInAnyOrderJoinToWhatOneWorkerFindsBitForBit) {
  Model model = Scores(0.37F);
  auto data = Rows(model, 22);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  std::vector<int64_t> rows(22);
  std::iota(rows.begin(), rows.end(), 0);
  for (const char* metric : {"accuracy", "f1"}) {
    Evaluator evaluator = Make(*data, rows, Options(metric, 2, 3));
    Evaluation alone = evaluator.EvaluateBaseline(session, progress, {}).value();
    std::vector<EvaluationPart> parts;
    for (auto [first, count] : {std::pair(5, 3), std::pair(0, 1), std::pair(1, 4)})
      parts.push_back(evaluator.EvaluatePart(session, first, count, {}).value());
    Evaluation joined = evaluator.JoinParts(parts).value();
    EXPECT_EQ(joined.metrics[0].value, alone.metrics[0].value);
    EXPECT_EQ(joined.metrics[0].scores, alone.metrics[0].scores);
    EXPECT_EQ(joined.metrics[0].states, alone.metrics[0].states);
    EXPECT_EQ(joined.rows, 22);
  }
}

TEST(EvaluatorTest, PartsThatEndedEarlyStandForAllRows) {
  Model model = Scores(1);
  auto data = Rows(model, 22);
  Session session = Session::FromModel(model).value();
  NullProgress progress;
  std::vector<int64_t> rows(22);
  std::iota(rows.begin(), rows.end(), 0);
  Evaluator evaluator = Make(*data, rows, Options("accuracy", 2, 3));
  std::vector<EvaluationPart> parts = {evaluator.EvaluatePart(session, 6, 2, {}).value(),
                                       evaluator.EvaluatePart(session, 1, 4, {}, Pace::kUsual, 1e-9).value()};
  EXPECT_EQ(parts[1].states.at(0).size(), 1u) << "the first is always run";
  Evaluation joined = evaluator.JoinParts(parts).value();
  EXPECT_EQ(joined.rows, 7);
  EXPECT_THAT(evaluator.rows(), ElementsAre(3, 4, 5, 18, 19, 20, 21));
  Evaluation again = evaluator.Evaluate(session, progress, {}).value();
  EXPECT_EQ(again.metrics[0].value, joined.metrics[0].value);
  EXPECT_EQ(again.rows, 7);
}

}  // namespace
}  // namespace ns
