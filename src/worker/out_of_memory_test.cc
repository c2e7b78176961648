// Memory really runs out here: the address space of this process is limited. The address sanitizer would end the process then.
#if !defined(__SANITIZE_ADDRESS__)

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <numeric>

#include "data/array_data_set.h"
#include "quantize/prepare.h"
#include "worker/trial_runner.h"
#include "worker/tuning_space.h"

namespace ns {
namespace {

using ::testing::HasSubstr;

// Only what comes on top of what the process has now.
class MoreMemory {
 public:
  explicit MoreMemory(uint64_t bytes) {
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    rlimit limit{pages * static_cast<uint64_t>(::getpagesize()) + bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ~MoreMemory() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

class Warnings final : public EventSink {
 public:
  Status Send(const EventPayload& event) override {
    if (auto* note = std::get_if<NoteEvent>(&event); note != nullptr && note->text.find("trying once more") != std::string::npos) ++retries;
    return OkStatus();
  }
  int retries = 0;
};

// Multiplies each row's `size` values with one another, which takes 4 size² bytes a row, then by a weight.
class OutOfMemoryTest : public testing::Test {
 protected:
  void Tune(int64_t size, int64_t rows, uint64_t memory) {
    Model model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : 17]>
      g (float[N, {0}] x) => (float[N, 2] logits) <float[1, 2] w = {{1, 0}}, int64[1] one = {{1}}, int64[1] two = {{2}}> {{
        a = Unsqueeze(x, one)
        b = Unsqueeze(x, two)
        products = Mul(a, b)
        means = ReduceMean <axes = [2], keepdims = 0> (products)
        logits = MatMul(means, w)
      }})", size)).value();
    Tensor weight(DType::kFloat, {size, 2});
    for (int64_t i = 0; i < size; ++i) weight.mutable_values<float>()[static_cast<size_t>(2 * i)] = 1;
    model.SetWeight("w", weight);
    Tensor x(DType::kFloat, {rows, size}), y(DType::kInt64, {rows});
    for (float& value : x.mutable_values<float>()) value = 1;
    SourceData data;
    data.evaluation = ArrayDataSet::Create({{"x", x}, {"labels", y}}, model.inputs(), {}).value();
    data.split.evaluation.resize(static_cast<size_t>(rows));
    std::iota(data.split.evaluation.begin(), data.split.evaluation.end(), 0);
    Run(model, data, memory);
  }

  void Run(const Model& model, const SourceData& data, uint64_t memory) {
    NullProgress silent;
    auto quantizer = Quantizer::Create(PrepareModel(model.Clone(), silent, {}).value()).value();
    auto rows = static_cast<int64_t>(data.split.evaluation.size());
    auto evaluator = Evaluator::Create(*data.evaluation, data.split.evaluation, model.outputs(), {{{"accuracy", {}}}, 2, rows}, nullptr).value();
    Evaluation baseline;
    baseline.metrics.push_back({1, {}, {{1}}});
    AccuracyGoals goals({{"accuracy", {}, 1}});
    EarlyStopper never(goals, baseline, rows, 0);
    LatencyRun latency = MakeLatencyRun({}, {});
    latency.budget_seconds = 0.1;
    Session float_session = Session::FromModel(model, TimedSession(latency)).value();
    TuningSession::Options options;
    options.problem.space = MakeTuningSpace(quantizer, {}, {}, nullptr);
    options.problem.goals = goals;
    options.problem.float_model = {{}, 1'000'000, 0};
    options.problem.try_static = false;
    options.stop.max_trials = 1;
    TuningSession session = TuningSession::Create(std::move(options)).value();
    SystemClock clock;
    StageProgress progress(clock, warnings_);
    TrialSetting setting;
    setting.quantizer = &quantizer;
    setting.evaluator = &evaluator;
    setting.early_stopper = &never;
    setting.data = &data;
    setting.float_session = &float_session;
    setting.latency = latency;
    setting.threads = 2;
    TrialRunner runner(setting, progress, {});
    {
      MoreMemory limit(memory);
      ASSERT_TRUE(runner.Run(session).ok());
    }
    trials_ = runner.Reports(session);
    answer_ = session.answer();
  }

  Warnings warnings_;
  std::vector<TrialReport> trials_;
  TuningAnswer answer_;
};

// 4 MB a row and 2 GB a batch, where there are 400 MB.
TEST_F(OutOfMemoryTest, ABatchThatDoesNotFitIsRunRowByRow) {
  Tune(1024, 512, 400 << 20);
  EXPECT_EQ(warnings_.retries, 1);
  ASSERT_EQ(trials_.size(), 1u);
  EXPECT_EQ(trials_[0].rows, 512);
  EXPECT_TRUE(trials_[0].meets_criterion);
  EXPECT_THAT(trials_[0].note, HasSubstr("memory was short: tried again with one thread, row by row"));
}

// 1 GB a row.
TEST_F(OutOfMemoryTest, WhatDoesNotFitEvenThenIsAFailedTrialAndThereIsAnAnswer) {
  Tune(16384, 4, 400 << 20);
  EXPECT_EQ(warnings_.retries, 1);
  ASSERT_EQ(trials_.size(), 1u);
  EXPECT_FALSE(trials_[0].meets_criterion);
  EXPECT_THAT(trials_[0].note, HasSubstr("out of memory while running the model"));
  EXPECT_FALSE(answer_.trial.has_value());
  EXPECT_THAT(answer_.reason, HasSubstr("no quantized model could be made: trial 1 (dynamic): out of memory"));
}

}  // namespace
}  // namespace ns

#endif
