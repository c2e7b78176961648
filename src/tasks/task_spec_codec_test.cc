#include "tasks/task_spec_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tasks/task_file.h"

namespace ns {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TaskSpec Parsed(const std::string& body) {
  ParsedTaskSpec parsed = ParseTaskSpec(body);
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) {
    ADD_FAILURE() << FieldErrorsToText(*errors);
    return {};
  }
  return std::get<TaskSpec>(parsed);
}

std::vector<FieldError> Errors(const std::string& body) {
  ParsedTaskSpec parsed = ParseTaskSpec(body);
  auto* errors = std::get_if<std::vector<FieldError>>(&parsed);
  return errors == nullptr ? std::vector<FieldError>() : *errors;
}

constexpr const char* kSmallest = R"({"model": "m.onnx", "dataset": "d.npz"})";

TEST(TaskSpecCodecTest, TheSmallestModelTaskHasTheDefaultsOfTheContract) {
  TaskSpec spec = Parsed(kSmallest);
  EXPECT_EQ(spec.model, "m.onnx");
  EXPECT_EQ(spec.dataset->path, "d.npz");
  EXPECT_FALSE(spec.dataset->calibration_samples.has_value());
  EXPECT_EQ(spec.approach, Approach::kAuto);
  EXPECT_EQ(spec.workers, 1);
  EXPECT_EQ(spec.priority, 2);
  EXPECT_TRUE(spec.accuracy_criterion.relative);
  EXPECT_EQ(spec.accuracy_criterion.tolerable_loss, 0.01);
  EXPECT_EQ(spec.tuning.max_trials, 100);
  EXPECT_EQ(spec.tuning.timeout_seconds, 0);
}

TEST(TaskSpecCodecTest, A100ThatWasToldIsNotTheDefault) {
  TaskSpec spec = Parsed(R"({"model": "m.onnx", "dataset": {"path": "d.npz", "calibration_samples": 100}})");
  EXPECT_EQ(spec.dataset->calibration_samples, 100);
  EXPECT_EQ(Parsed(TaskSpecToJson(spec)), spec);
}

TEST(TaskSpecCodecTest, EveryFieldIsReadAndWrittenBack) {
  const char* body = R"({"model": "m", "dataset": {"path": "d.csv", "calibration": "10:200", "columns": {"text": "t", "label": "l",
    "inputs": {"ids": "input_ids"}}, "calibration_samples": 50, "evaluation_samples": 500, "batch_size": 8},
    "metric": ["accuracy", {"name": "f1", "parameters": {"average": "macro"}, "criterion": "absolute", "tolerable_loss": 0.5}],
    "accuracy_criterion": {"criterion": "absolute", "tolerable_loss": 0.02, "higher_is_better": false},
    "tuning": {"strategy": "auto", "max_trials": 7, "timeout": 60.5, "objective": [{"objective": "size", "weight": 2}],
      "latency": {"threads": 2, "batch": 4}, "quantization": {"dtypes": ["int8"], "granularities": ["per_tensor"],
      "calibration_methods": ["entropy"], "excluded_operators": ["Softmax"]}, "recipes": {"smooth_quant": true}, "seed": 9,
      "cache": false, "stop_at_goal": true},
    "approach": "static_ipex", "workers": 10000, "priority": 1, "name": "n", "labels": {"user": "ann"}, "deadline": 90,
    "idempotency_key": "k", "arguments": ["a b", 3, 0.5], "optimized": "True", "requirements": ["torch>=2"]})";
  TaskSpec spec = Parsed(body);
  EXPECT_EQ(spec.dataset->calibration_rows, (RowRangeSpec{10, 200}));
  EXPECT_EQ(spec.metrics[1].criterion->tolerable_loss, 0.5);
  EXPECT_EQ(spec.tuning.objectives, (std::vector<ObjectiveSpec>{{"size", 2}}));
  EXPECT_EQ(spec.approach, Approach::kStatic);
  EXPECT_TRUE(spec.approach_was_ipex);
  EXPECT_TRUE(spec.optimized);
  EXPECT_THAT(spec.arguments, ElementsAre("a b", "3", "0.5"));
  EXPECT_EQ(spec.accuracy_criterion.higher_is_better, false);
  EXPECT_EQ(Parsed(TaskSpecToJson(spec)), spec);
}

TEST(TaskSpecCodecTest, AWholeNumberMayBeWrittenWithAFraction) {
  EXPECT_EQ(Parsed(R"({"model": "m", "dataset": "d", "workers": 7.0})").workers, 7);
  EXPECT_EQ(Parsed(R"({"model": "m", "dataset": "d", "workers": 1e1})").workers, 10);
  for (const char* number : {"7.5", "0.0", "1e9", "1e300"}) {
    EXPECT_EQ(Errors(fmt::format(R"({{"model": "m", "dataset": "d", "workers": {}}})", number)).size(), 1u) << number;
  }
}

TEST(TaskSpecCodecTest, EveryWrongFieldIsNamedAtOnceWithItsPath) {
  auto errors = Errors(R"({"model": "m", "dataset": "d", "workers": 10001, "priority": 0, "tuning": {"latency": {"batch": 0}}})");
  ASSERT_EQ(errors.size(), 3u);
  EXPECT_THAT(errors[0].loc, ElementsAre("body", "workers"));
  EXPECT_EQ(errors[0].msg, "must be a whole number from 1 to 10000, got 10001");
  EXPECT_THAT(errors[1].loc, ElementsAre("body", "priority"));
  EXPECT_THAT(errors[2].loc, ElementsAre("body", "tuning", "latency", "batch"));
  EXPECT_THAT(FieldErrorsToJson(errors), HasSubstr(R"("loc":["body","tuning","latency","batch"])"));
}

TEST(TaskSpecCodecTest, ATypeThatNothingComputesInIsNamedWithTheOnesThatAre) {
  auto errors = Errors(R"({"model": "m", "dataset": "d", "tuning": {"quantization": {"dtypes": ["int8", "uint8"]}}})");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].loc, ElementsAre("body", "tuning", "quantization", "dtypes", "1"));
  for (const char* word : {"int8", "fp32", "uint8"}) EXPECT_THAT(errors[0].msg, HasSubstr(word));
}

TEST(TaskSpecCodecTest, AnApproachNeedsTheTypeItComputesIn) {
  const char* request = R"({{"model": "m", "dataset": "d", "approach": "{}", "tuning": {{"quantization": {{"dtypes": ["fp32"]}}}}}})";
  EXPECT_EQ(Parsed(fmt::format(fmt::runtime(request), "auto")).tuning.quantization.dtypes, (std::vector<std::string>{"fp32"}));
  auto errors = Errors(fmt::format(fmt::runtime(request), "static"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0].loc, ElementsAre("body", "tuning", "quantization", "dtypes"));
  EXPECT_EQ(errors[0].msg, "must hold int8, in which the approach static computes, got fp32; the approach auto takes any of them");
}

TEST(TaskSpecCodecTest, AnUnknownFieldSuggestsTheNearestName) {
  auto errors = Errors(R"({"model": "m", "dataset": "d", "aproach": "static"})");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].msg, "unknown field; did you mean 'approach'?");
  EXPECT_EQ(errors[0].type, "value_error.extra");
}

TEST(TaskSpecCodecTest, ExactlyOneOfModelAndScript) {
  EXPECT_THAT(Errors("{}")[0].msg, HasSubstr("exactly one of model and script_url"));
  EXPECT_THAT(Errors(R"({"model": "m", "dataset": "d", "script_url": "s"})")[0].msg, HasSubstr("got both"));
  EXPECT_EQ(Errors(R"({"model": "m"})")[0].loc.back(), "dataset");
}

TEST(TaskSpecCodecTest, AScriptThatCallsAnOptimizerIsAScriptTask) {
  TaskSpec spec = Parsed(R"({"script_url": "folder", "optimized": true, "arguments": ["--a 'b c'", 1], "requirements": ["x>=1"]})");
  EXPECT_EQ(spec.script_url, "folder");
  EXPECT_EQ(spec.approach, Approach::kStatic);
  EXPECT_FALSE(spec.dataset.has_value());
  EXPECT_EQ(Parsed(TaskSpecToJson(spec)), spec);
  EXPECT_EQ(Parsed(R"({"script_url": "https://h/a/x.py?raw=1", "optimized": "True"})").script_url, "https://h/a/x.py?raw=1");
}

TEST(TaskSpecCodecTest, ScriptsThatCannotRunHereAreRefusedWithTheReason) {
  auto refused = [](const std::string& fields) {
    auto errors = Errors("{" + fields + "}");
    EXPECT_EQ(errors.size(), 1u) << fields;
    return errors[0].loc.back() + ": " + errors[0].type;
  };
  EXPECT_EQ(refused(R"("script_url": "s")"), "optimized: value_error.not_available");
  EXPECT_EQ(refused(R"("script_url": "s", "optimized": "False")"), "optimized: value_error.not_available");
  EXPECT_EQ(refused(R"("script_url": "ftp://h/x.py", "optimized": true)"), "script_url: value_error.url.scheme");
  EXPECT_EQ(refused(R"("script_url": "file:///etc/x.py", "optimized": true)"), "script_url: value_error.url.scheme");
  EXPECT_EQ(refused(R"("script_url": "https://h/x.sh", "optimized": true)"), "script_url: value_error.url");
  EXPECT_EQ(refused(R"("script_url": "", "optimized": true)"), "script_url: value_error");
  EXPECT_EQ(refused(R"("script_url": "a\u0000b", "optimized": true)"), "script_url: value_error");
  EXPECT_EQ(refused(R"("script_url": "s", "optimized": true, "arguments": ["it's"])"), "0: value_error");
  EXPECT_EQ(refused(R"("script_url": "s", "optimized": true, "arguments": ["a\u0000"])"), "0: value_error");
  EXPECT_EQ(refused(R"("script_url": "s", "optimized": true, "requirements": ["--index-url=https://x"])"), "0: value_error");
}

TEST(TaskSpecCodecTest, AStrategyThatNeedsGradientsIsRefusedWithTheReason) {
  auto errors = Errors(R"({"model": "m", "dataset": "d", "tuning": {"strategy": "hawq_v2"}})");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].loc.back(), "strategy");
  EXPECT_EQ(errors[0].type, "value_error.not_available");
  EXPECT_THAT(errors[0].msg, HasSubstr("needs gradients"));
  EXPECT_EQ(Parsed(R"({"model": "m", "dataset": "d", "tuning": {"strategy": "mse_v2"}})").tuning.strategy, "mse_v2");
}

TEST(TaskSpecCodecTest, RowRangesMustHoldARow) {
  EXPECT_TRUE(Errors(R"({"model": "m", "dataset": {"path": "d", "calibration": "0:1"}})").empty());
  for (const char* bad : {"5:5", "9:3", "1:2:3", "7"}) {
    auto errors = Errors(fmt::format(R"({{"model": "m", "dataset": {{"path": "d", "calibration": "{}"}}}})", bad));
    ASSERT_EQ(errors.size(), 1u) << bad;
    EXPECT_EQ(errors[0].loc.back(), "calibration");
  }
}

TEST(TaskSpecCodecTest, NumbersBeyondEveryTypeAreRefusedNotWrapped) {
  for (const char* number : {"18446744073709551615", "9223372036854775808", "1e300", "-1", "2.5", "true", "\"1\""}) {
    EXPECT_EQ(Errors(fmt::format(R"({{"model": "m", "dataset": "d", "workers": {}}})", number)).size(), 1u) << number;
  }
}

TEST(TaskSpecCodecTest, DeadlinesAreSecondsOrATime) {
  EXPECT_EQ(Parsed(R"({"model": "m", "dataset": "d", "deadline": 2.5})").deadline_seconds, 2.5);
  EXPECT_EQ(Parsed(R"({"model": "m", "dataset": "d", "deadline": "1970-01-01T00:00:01+00:00"})").deadline_time,
            WallTime(std::chrono::seconds(1)));
  for (const char* bad : {"0", "-1", "\"soon\"", "[]"}) {
    EXPECT_EQ(Errors(fmt::format(R"({{"model": "m", "dataset": "d", "deadline": {}}})", bad)).size(), 1u) << bad;
  }
}

TEST(TaskSpecTest, ARequestOfManyFieldsIsRefusedInNoTime) {
  std::string body = R"({"model":"m","dataset":"d")";
  for (int i = 0; i < 1'000; ++i) body += fmt::format(R"(,"x{}":1)", i);
  auto errors = std::get<std::vector<FieldError>>(ParseTaskSpec(body + "}"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].msg, HasSubstr("more than 256 fields"));
  std::string labels;
  for (int i = 0; i < 256; ++i) labels += fmt::format(R"({}"x{}":"abcdefghij")", i == 0 ? "" : ",", i);
  EXPECT_EQ(Parsed(R"({"model":"m","dataset":"d","labels":{)" + labels + "}}").labels.size(), 256U);
}

TEST(TaskSpecTest, AHundredMistakesAreToldOfAtMost) {
  std::string arguments = "[";
  for (int i = 0; i < 300; ++i) arguments += i == 0 ? "{}" : ",{}";
  EXPECT_THAT(std::get<std::vector<FieldError>>(ParseTaskSpec(R"({"script_url":"s","arguments":)" + arguments + "]}")), SizeIs(100));
}

TEST(TaskSpecTest, ARequestHoldsNoData) {
  auto errors = std::get<std::vector<FieldError>>(ParseTaskSpec(R"({"model":"m","dataset":"d","name":")" + std::string(300'000, 'x') + "\"}"));
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0].msg, HasSubstr("must be at most 262144 bytes"));
}

TEST(TaskFileTest, ComesBackAsItWasWritten) {
  TaskFile file;
  file.task_id = "0123";
  file.attempt = 2;
  file.cores = {1, 3};
  file.model_path = "/models/m.onnx";
  file.dataset_path = "/data/d.npz";
  file.output_folder = "/out";
  file.events_file = "/events.jsonl";
  file.deadline = WallTime(std::chrono::microseconds(1'500'000));
  file.spec = Parsed(kSmallest);
  auto back = ParseTaskFile(TaskFileToJson(file));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->task_id, "0123");
  EXPECT_EQ(back->attempt, 2);
  EXPECT_THAT(back->cores, ElementsAre(1, 3));
  EXPECT_EQ(back->model_path, "/models/m.onnx");
  EXPECT_TRUE(back->calibration_path.empty());
  EXPECT_EQ(back->deadline, WallTime(std::chrono::microseconds(1'500'000)));
  EXPECT_EQ(back->spec, file.spec);
  EXPECT_EQ(ParseTaskFile(R"({"version": 2})").status().reason(), "BAD_TASK_FILE");
}

}  // namespace
}  // namespace ns
