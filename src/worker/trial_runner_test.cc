// Tasks that share a cache, as the service's do: what one left there must not change what another answers.
#include "worker/trial_runner.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "base/file.h"
#include "base/hash.h"
#include "data/array_data_set.h"
#include "quantize/prepare.h"
#include "tasks/keeping_file.h"
#include "worker/tuning_space.h"

namespace ns {
namespace {

constexpr int64_t kSize = 32, kRows = 48, kCalibrationRows = 16;

Tensor RandomTensor(Shape shape, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Tensor tensor(DType::kFloat, std::move(shape));
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  return tensor;
}

// Two layers behind a normalization of which every eighth channel is 64 times the others: SmoothQuant's case.
Model OutlierModel() {
  Model model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, {0}] x) => (float[N, 4] y) <float[1] gamma = {{0}}, float[1] beta = {{0}}, float[1] w1 = {{0}}, float[1] b1 = {{0}}, float[1] w2 = {{0}}> {{
      [norm] t = LayerNormalization (x, gamma, beta)
      [first] a = MatMul (t, w1)  [bias] c = Add (a, b1)  [relu] r = Relu (c)
      [second] y = MatMul (r, w2)
    }})", kSize)).value();
  Tensor gamma = RandomTensor({kSize}, 1);
  for (size_t i = 3; i < kSize; i += 8) gamma.mutable_values<float>()[i] *= 64;
  model.SetWeight("gamma", gamma);
  model.SetWeight("beta", RandomTensor({kSize}, 2));
  model.SetWeight("w1", RandomTensor({kSize, kSize}, 3));
  model.SetWeight("b1", RandomTensor({kSize}, 4));
  model.SetWeight("w2", RandomTensor({kSize, 4}, 5));
  NullProgress silent;
  return PrepareModel(std::move(model), silent, {}).value();
}

QuantConfig Config(OpMode mode) {
  QuantConfig config;
  config.defaults.mode = mode;
  return config;
}

QuantConfig Smooth(QuantConfig config) {
  config.smooth_quant.emplace();
  return config;
}

QuantConfig Corrected(QuantConfig config) {
  config.bias_correction = true;
  return config;
}

QuantConfig ByMse(QuantConfig config) {
  config.defaults.calibration = CalibrationMethod::kMse;
  return config;
}

class Silent final : public EventSink {
 public:
  Status Send(const EventPayload&) override { return OkStatus(); }
};

struct Search {
  int max_trials = 8;
  bool try_static = true;
  double tolerable_mse = 0;  // none: out of reach, so that all cures are tried
  bool for_memory = false;
  std::filesystem::path marks = "";
};

// One task, from its start: nothing is calibrated.
class Task {
 public:
  explicit Task(const TuningCache* cache, Search search = {}) : search_(search) {
    Session float_model = Session::FromModel(model_, {}).value();
    Tensor x = RandomTensor({kRows, kSize}, 6), labels = std::move(float_model.Run({{"x", x}}).value()[0]);
    data_.evaluation = ArrayDataSet::Create({{"x", x}, {"labels", labels}}, model_.inputs(), {}).value();
    data_.split.calibration.resize(kCalibrationRows);
    std::iota(data_.split.calibration.begin(), data_.split.calibration.end(), 0);
    data_.split.evaluation.resize(kRows - kCalibrationRows);
    std::iota(data_.split.evaluation.begin(), data_.split.evaluation.end(), kCalibrationRows);
    evaluator_.emplace(Evaluator::Create(*data_.evaluation, data_.split.evaluation, model_.outputs(), {{{"mse", {}}}, 2}, nullptr).value());
    goals_ = AccuracyGoals({{"mse", {CriterionKind::kAbsolute, search.tolerable_mse, false}, 0}});
    Evaluation no_scores;
    no_scores.metrics.push_back({0, {}, {{1}}});
    never_.emplace(goals_, no_scores, 1, 0);
    float_session_.emplace(Session::FromModel(model_, {}).value());
    TrialSetting setting;
    setting.quantizer = &quantizer_;
    setting.evaluator = &*evaluator_;
    setting.early_stopper = &*never_;
    setting.data = &data_;
    setting.float_session = &*float_session_;
    setting.latency = MakeLatencyRun({}, {});
    setting.latency.budget_seconds = 0.02;
    setting.threads = 2;
    setting.cache = cache;
    setting.marks = &marks_;
    if (search.for_memory) setting.measure_memory = [this](const Model& model) -> Result<uint64_t> { return ++measured_, ModelBytes(model); };
    runner_.emplace(setting, progress_, std::stop_token());
  }

  TrialRunner& runner() { return *runner_; }
  // Of the model file of this configuration.
  std::string Digest(const QuantConfig& config) {
    auto made = runner_->TakeModel(config);
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    TempDir folder = TempDir::Create("ns-trial-").value();
    if (!made.ok() || !made->model.Save(folder.path() / "m.onnx").ok()) return "";
    return Sha256HexOfFile(folder.path() / "m.onnx").value();
  }

  // By label: the metric of each trial of a search.
  std::map<std::string, double> Tune() {
    TuningSession::Options options;
    options.problem.space = MakeTuningSpace(quantizer_, {}, {}, nullptr);
    options.problem.goals = goals_;
    options.problem.float_model = {{}, ModelBytes(model_), search_.for_memory ? ModelBytes(model_) : 0};
    options.problem.try_static = search_.try_static;
    options.stop.max_trials = search_.max_trials;
    options.strategy = "basic";  // tries recipes whatever the timings say
    if (search_.for_memory) options.problem.objective = {.performance = 0, .memory = 1};
    TuningSession session = TuningSession::Create(std::move(options)).value();
    Status ran = runner_->Run(session);
    EXPECT_TRUE(ran.ok()) << ran.ToString();
    std::map<std::string, double> trials;
    reports_ = runner_->Reports(session);
    for (const TrialReport& trial : reports_)
      if (trial.metric.contains("mse")) trials[trial.configuration] = trial.metric.at("mse");
    answer_ = session.answer();
    return trials;
  }
  // What the search tries first.
  QuantConfig UsualConfig() const { return MakeTuningSpace(quantizer_, {}, {}, nullptr).Uniform(OpMode::kStatic); }
  const TuningAnswer& answer() const { return answer_; }
  const std::vector<TrialReport>& reports() const { return reports_; }
  int measured() const { return measured_; }  // models whose memory was measured

 private:
  Search search_;
  int measured_ = 0;
  TuningAnswer answer_;
  std::vector<TrialReport> reports_;
  WorkMarks marks_{search_.marks, SystemClock().wall()};
  Model model_ = OutlierModel();
  SourceData data_;
  Quantizer quantizer_ = Quantizer::Create(OutlierModel()).value();
  SystemClock clock_;
  Silent silent_;
  StageProgress progress_{clock_, silent_};
  std::optional<Evaluator> evaluator_;
  AccuracyGoals goals_;
  std::optional<EarlyStopper> never_;
  std::optional<Session> float_session_;
  std::optional<TrialRunner> runner_;
};

class TrialRunnerTest : public testing::Test {
 protected:
  TempDir folder_ = TempDir::Create("ns-cache-").value();
  TuningCache cache_{{{}, folder_.path()}, "one context "};
};

TEST_F(TrialRunnerTest, WhatTheCacheKnowsOfOneConfigurationIsUsedForNoOther) {
  const QuantConfig plain = Config(OpMode::kStatic), dynamic = Config(OpMode::kDynamic);
  const std::vector<QuantConfig> all = {plain, Smooth(plain), dynamic, Corrected(plain), ByMse(plain), Smooth(dynamic)};
  ASSERT_TRUE(Task(&cache_).runner().FactsOf(plain).ok());
  std::vector<std::string> expected;
  for (const QuantConfig& config : all) expected.push_back(Task(nullptr).Digest(config));
  Task second(&cache_), third(&cache_);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(second.Digest(all[i]), expected[i]) << Canonical(all[i]);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(third.Digest(all[i]), expected[i]) << Canonical(all[i]);
}

TEST_F(TrialRunnerTest, ADynamicModelIsSmoothedThoughAPlainOneNeedsNoCalibration) {
  Task task(&cache_);
  std::string plain = task.Digest(Config(OpMode::kDynamic)), smooth = task.Digest(Smooth(Config(OpMode::kDynamic)));
  EXPECT_NE(plain, smooth);
  EXPECT_EQ(smooth, Task(nullptr).Digest(Smooth(Config(OpMode::kDynamic))));
}

// Every configuration that both searches evaluated.
void ExpectTheSameValues(const std::map<std::string, double>& trials, const std::map<std::string, double>& expected) {
  size_t common = 0;
  for (const auto& [label, value] : trials) {
    if (!expected.contains(label)) continue;
    ++common;
    EXPECT_EQ(value, expected.at(label)) << label;
  }
  EXPECT_GE(common, 4u) << testing::PrintToString(trials) << testing::PrintToString(expected);
}

TEST_F(TrialRunnerTest, AnEarlierTaskWithAnotherBudgetOrApproachChangesNoTrial) {
  std::map<std::string, double> expected = Task(nullptr).Tune();
  EXPECT_EQ(Task(&cache_, {.max_trials = 1}).Tune().size(), 1u);
  EXPECT_FALSE(Task(&cache_, {.max_trials = 3, .try_static = false}).Tune().empty());
  ExpectTheSameValues(Task(&cache_).Tune(), expected);
  ExpectTheSameValues(Task(&cache_).Tune(), expected);
}

TEST_F(TrialRunnerTest, ATimingWithoutMemoryIsNoneForAnObjectiveThatAsksForIt) {
  Task fast(&cache_, {.max_trials = 2, .tolerable_mse = 1e6});
  fast.Tune();
  EXPECT_EQ(fast.measured(), 0);
  Task small(&cache_, {.max_trials = 2, .tolerable_mse = 1e6, .for_memory = true});
  small.Tune();
  EXPECT_GE(small.measured(), 1);
  EXPECT_TRUE(small.answer().trial.has_value()) << "int8 weights are fewer bytes: " << small.answer().reason;
}

// Workers that the supervisor of the first killed for their memory, each with `piece` in work.
void KilledWith(const std::filesystem::path& folder, const std::string& piece, int times) {
  for (int i = 0; i < times; ++i) {
    WorkMarks marks(folder, SystemClock().wall());
    WorkMarks::Mark mark = marks.Begin(piece);
    std::filesystem::rename(folder / kInWorkFileName, folder / kOutOfMemoryFileName);
  }
}

TEST_F(TrialRunnerTest, WhatAWorkerWasKilledWithIsTakenSmallerAndTheSecondTimeAsFailed) {
  const Search search{.max_trials = 2, .marks = folder_.path()};
  Task first(nullptr, search);
  std::map<std::string, double> expected = first.Tune();
  ASSERT_EQ(first.reports().size(), 2u);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / kInWorkFileName));
  std::string piece = KeyOf(EvaluateItem{Task(nullptr).UsualConfig(), "", false});
  KilledWith(folder_.path(), piece, 1);
  Task second(nullptr, search);
  EXPECT_EQ(second.Tune(), expected) << "smaller, but the same";
  EXPECT_EQ(second.reports()[0].note, "memory was short: tried again with one thread, row by row");
  EXPECT_EQ(second.reports()[1].note, "");
  KilledWith(folder_.path(), piece, 1);
  Task third(nullptr, search);
  third.Tune();
  EXPECT_EQ(third.reports()[0].note, "memory ran out and the worker was ended");
  EXPECT_GE(third.reports().size(), 2u) << "the search goes on";
}

}  // namespace
}  // namespace ns
