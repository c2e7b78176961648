#include "worker/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/cpu.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

TEST(DefaultOutputTest, IsNamedAfterTheModel) {
  EXPECT_EQ(DefaultOutput("/models/resnet50.onnx"), "resnet50-optimized");
  EXPECT_EQ(DefaultOutput("models/bert-base/"), "bert-base-optimized");
  EXPECT_EQ(DefaultOutput("models/v1.2"),
            "v1-optimized");  // not a folder here: what follows the point is taken for the kind
}

TEST(ParseCoresTest, TakesNumbersAndRanges) {
  int core = UsableCores().front();
  EXPECT_THAT(ParseCores(fmt::format("{}", core)).value(), ElementsAre(core));
  EXPECT_THAT(ParseCores(fmt::format("{0}-{0}", core)).value(), ElementsAre(core));
}

TEST(ParseCoresTest, RefusesWhatIsNoListOfUsableCores) {
  int core = UsableCores().front();
  for (std::string text : {std::string(""), std::string("a"), std::string("0,"), std::string("-1"), std::string("3-1"),
                           std::string("99999"), fmt::format("{0},{0}", core)}) {
    auto cores = ParseCores(text);
    ASSERT_FALSE(cores.ok()) << text;
    EXPECT_EQ(cores.status().reason(), "BAD_CORES") << text;
  }
}

TEST(NearestNameTest, SuggestsASlipAndNothingFarOff) {
  std::vector<std::string> known = {"static", "dynamic", "auto"};
  EXPECT_EQ(NearestName("statik", known), "static");
  EXPECT_EQ(NearestName("dinamic", known), "dynamic");
  EXPECT_EQ(NearestName("zzzzzz", known), "");
}

TaskFile Task() {
  TaskFile task;
  task.model_path = "/m.onnx";
  task.dataset_path = "/d.npz";
  task.output_folder = "/t/result";
  task.cores = {0};
  task.spec.dataset = DatasetSpec{};
  return task;
}

TEST(OptionsFromTaskTest, TakesWhatTheRequestSays) {
  TaskFile task = Task();
  task.spec.approach = Approach::kStatic;
  task.spec.metrics = {MetricSpec{"f1", {{"positive_label", "2"}}, std::nullopt}};
  task.spec.accuracy_criterion = {false, 0.5, std::nullopt};
  task.spec.dataset->columns.inputs = {{"input_ids", "ids"}};
  task.spec.dataset->calibration_rows = RowRangeSpec{10, 20};
  task.spec.tuning.quantization.granularities = {"per_tensor"};
  task.spec.tuning.quantization.calibration_methods = {"entropy"};
  task.spec.tuning.quantization.dtypes = {"fp32"};
  task.spec.tuning.seed = 7;
  auto options = OptionsFromTask(task, std::nullopt);
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  EXPECT_EQ(options->metrics[0].name, "f1");
  EXPECT_EQ(options->metrics[0].options.positive_label, 2);
  EXPECT_EQ(options->metrics[0].criterion.kind, CriterionKind::kAbsolute);
  EXPECT_EQ(options->metrics[0].criterion.tolerable_loss, 0.5);
  EXPECT_EQ(options->data.columns.inputs.at("ids"),
            "input_ids");  // the request maps inputs to arrays, the data set the other way
  EXPECT_EQ(options->data.calibration, "10:20");
  EXPECT_EQ(options->tuning.per_channel, false);
  EXPECT_THAT(options->tuning.calibration_methods, ElementsAre(CalibrationMethod::kEntropy));
  EXPECT_THAT(options->tuning.dtypes, ElementsAre("fp32"));
  EXPECT_EQ(options->data.seed, 7u);
  EXPECT_TRUE(options->force);
}

TEST(OptionsFromTaskTest, EachMetricHasItsOwnCriterionOrTheTasks) {
  TaskFile task = Task();
  task.spec.accuracy_criterion = {true, 0.02, std::nullopt};
  task.spec.metrics = {MetricSpec{"accuracy", {}, std::nullopt}, MetricSpec{"mse", {}, CriterionSpec{false, 0.1, false}}};
  auto options = OptionsFromTask(task, std::nullopt);
  ASSERT_TRUE(options.ok()) << options.status().ToString();
  ASSERT_EQ(options->metrics.size(), 2u);
  EXPECT_EQ(options->metrics[0].criterion.tolerable_loss, 0.02);
  EXPECT_EQ(options->metrics[1].criterion.kind, CriterionKind::kAbsolute);
  EXPECT_EQ(options->metrics[1].criterion.tolerable_loss, 0.1);
  EXPECT_EQ(options->metrics[1].higher_is_better, false);
}

TEST(OptionsFromTaskTest, ObjectivesBecomeWeights) {
  TaskFile task = Task();
  task.spec.tuning.objectives = {{"performance", 1}, {"size", 3}};
  Objective objective = OptionsFromTask(task, std::nullopt)->tuning.objective;
  EXPECT_EQ(objective.performance, 1);
  EXPECT_EQ(objective.size, 3);
  EXPECT_EQ(objective.memory, 0);
}

TEST(OptionsFromTaskTest, TheEarlierOfTimeoutAndDeadlineCounts) {
  TaskFile task = Task();
  EXPECT_EQ(OptionsFromTask(task, std::nullopt)->tuning.stop.timeout_seconds, 0);
  EXPECT_EQ(OptionsFromTask(task, 30)->tuning.stop.timeout_seconds, 30);
  task.spec.tuning.timeout_seconds = 20;
  EXPECT_EQ(OptionsFromTask(task, 30)->tuning.stop.timeout_seconds, 20);
  // 0 would mean none.
  EXPECT_GT(OptionsFromTask(task, -5)->tuning.stop.timeout_seconds, 0);
  EXPECT_LT(OptionsFromTask(task, -5)->tuning.stop.timeout_seconds, 0.01);
}

TEST(OptionsFromTaskTest, RefusesWhatItCannotDo) {
  TaskFile task = Task();
  task.spec.metrics = {MetricSpec{"f1", {}, std::nullopt}, MetricSpec{"f1", {}, std::nullopt}};
  EXPECT_EQ(OptionsFromTask(task, std::nullopt).status().reason(), "DUPLICATE_METRIC");
  task.spec.metrics = {MetricSpec{"f1", {{"average", "macro"}}, std::nullopt}};
  EXPECT_EQ(OptionsFromTask(task, std::nullopt).status().reason(), "UNKNOWN_PARAMETER");
}

}  // namespace
}  // namespace ns
