// One optimization under way: the stages behind Optimize(), sharing what they have found so far. Only optimize*.cc
// include this.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "quantize/prepare.h"
#include "quantize/quantizer.h"
#include "tune/tuning_session.h"
#include "worker/early_stopper.h"
#include "worker/evaluator.h"
#include "worker/inputs.h"
#include "worker/latency.h"
#include "worker/operator_figures.h"
#include "worker/optimize.h"
#include "worker/recipe.h"
#include "worker/stage_progress.h"
#include "worker/team/team_workforce.h"
#include "worker/trial_runner.h"
#include "worker/work_marks.h"

namespace ns {

// Bytes of a saved model with its external data.
uint64_t SizeOfModel(const std::filesystem::path& model);

inline constexpr const char* kBaselineMark = "baseline";  // of WorkMarks

class OptimizeRun {
 public:
  OptimizeRun(const OptimizeOptions& options, const WorkContext& context);
  Result<OptimizeOutcome> Run();

 private:
  // optimize.cc
  OutputFolder::Existing Existing() const;
  Status Check() const;  // Cancelled, or the failure of the event sink
  Status Load();
  Status Prepare();
  Status ChooseMetrics();
  Status Baseline();
  Status MakeEvaluator(std::vector<std::string>* guesses);
  Status EvaluateBaseline();
  Result<Evaluation> BaselineHere(const Session& session, double expected_seconds);
  void ReportBaseline();
  Status Replay();
  void AddNote(std::string note);
  void AddGuesses(const std::string& about, const std::vector<std::string>& guesses);

  // optimize_estimate.cc
  // Of the timeout; infinite: there is none.
  double SecondsLeft() const;
  Result<double> ExpectedBaselineSeconds(const Session& session);
  double FitRows(double expected_seconds);
  EstimateEvent Expect(double baseline_seconds) const;

  // optimize_tune.cc
  void OpenCache();
  TuningSpace Space();
  Status Tune();
  Result<std::map<std::string, double>> FloatShares();
  TuningSession::Options TuningOptionsOf(TuningSpace space) const;
  TrialSetting SettingOf(const Session& float_session);
  Result<uint64_t> MeasureMemoryOf(const Model& model);
  Status TakeAnswer(TuningSession& session, TrialRunner& runner);
  void DescribeBestSoFar(std::string_view why);
  Result<Recipe> RecipeOf(const Trial& trial, TrialRunner& runner) const;

  // optimize_describe.cc
  Status DescribeModel();
  Status DescribeData();
  Result<OptimizeOutcome> DescribePlan();

  // optimize_team.cc
  Status OpenTeam();
  bool SharesBaseline(double expected_seconds) const;
  Result<Evaluation> SharedBaseline(const Session& session, double expected_seconds);
  void TellTeamOfBaseline();
  void DismissTeam();

  // optimize_package.cc
  Status Package();
  Status PackageSoFar(std::string_view why);
  enum class ParetoModels { kNone, kWhereThereIsRoom };
  Status Finish(OutputFolder& output, ParetoModels models);
  Status WriteModel(const std::filesystem::path& folder);
  Status EvaluateFile(const std::filesystem::path& model);
  Status EvaluatePackaged(const std::filesystem::path& model);
  Status TimePackaged(const std::filesystem::path& model);
  Status MeasureMemory(const std::filesystem::path& folder);
  Status Conclude();
  Status WriteRecipe(const std::filesystem::path& folder);

  // optimize_pareto.cc
  void TakePareto();
  Status WritePareto(const std::filesystem::path& folder, ParetoModels models);
  Status MakeParetoModel(const std::filesystem::path& folder, Recipe& recipe);
  double ParetoUntil() const;

  // optimize_session.cc
  Status ReadTimedRows();
  Status ChooseSession(const std::filesystem::path& model);

  // optimize_operators.cc
  void TakeScores(const TuningHistory& history, const Trial* answer);
  Status ReportOperators(const std::filesystem::path& model);
  Status MeasureOperators(std::span<const OperatorDecision> decisions);
  double OperatorsUntil() const;
  size_t RowsUntil(double until) const;
  Result<std::map<std::string, double>> MeasureShares(const std::filesystem::path& model, std::span<const OperatorDecision> decisions);

  OptimizeOptions options_;
  const WorkContext& context_;
  StageProgress progress_;
  WorkMarks marks_;
  LatencyRun latency_;
  Report report_;

  std::optional<Recipe> recipe_;
  std::optional<SourceModel> source_;
  std::string model_sha256_;
  std::optional<SourceData> data_;  // none: a recipe replayed without data
  std::vector<MetricRequest> metrics_;  // as asked for, with their names
  std::optional<Model> prepared_;
  std::optional<Quantizer> quantizer_;  // none: nothing can be quantized
  std::optional<Evaluator> evaluator_;
  AccuracyGoals goals_;
  Evaluation baseline_;
  std::optional<EarlyStopper> early_stopper_;
  std::unique_ptr<TeamWorkforce> team_;  // null: this process works alone
  size_t told_rows_ = 0;                 // to evaluate, when assistants were told of the task
  bool small_ = false;                   // memory was short for the baseline
  std::optional<TuningCache> cache_;  // none: not asked for, or there is no data
  uint64_t run_memory_ = 0;    // what one run of one batch takes beside the model; 0: not measured
  uint64_t float_memory_ = 0;  // peak of the prepared model; measured where the objective asks

  // The answer: quantized, or the prepared fp32 model.
  std::optional<QuantizedModel> quantized_;
  std::optional<QuantConfig> config_;
  std::string label_;
  struct BestSoFar {
    std::vector<double> values;
    std::optional<MeasuredSpeed> speed;  // none: not timed
  };
  std::optional<BestSoFar> best_so_far_;  // a stop hands it out; none: fp32 is the best
  bool small_answer_ = false;             // its trial only fitted in memory with one thread, row by row
  std::map<int, double> speedups_;  // by trial, as timed beside fp32
  std::map<int, Recipe> pareto_;  // by trial: how to make it again
  std::string reason_;
  std::string advice_;
  std::optional<QuantConfig> diagnosed_;  // what the operators are measured with: the answer, or, where fp32 is kept, the first that was tried
  FigureMap figures_;                     // of the operators, as tuning and packaging measure them
  static constexpr size_t kTimedRows = 32;
  std::vector<NamedTensors> rows_;  // timed
  int64_t timed_batch_ = 1;         // rows of one of them
  SessionSettings session_;         // of ONNX Runtime, with which the packaged file is timed
  Evaluation packaged_;
};

}  // namespace ns
