#include "worker/optimize.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "base/cpu.h"
#include "worker/baseline_limit.h"
#include "worker/cache_codec.h"
#include "worker/inputs.h"
#include "worker/optimize_run.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kMemoryShort = "memory was short: the fp32 model, and so all others, ran with one thread, row by row";

}  // namespace

OptimizeRun::OptimizeRun(const OptimizeOptions& options, const WorkContext& context)
    : options_(options), context_(context), progress_(context.clock, context.events), marks_(options.marks, context.clock.wall()) {
  double& timeout = options_.tuning.stop.timeout_seconds;
  if (timeout > 0) timeout = std::max(timeout - marks_.spent().count(), 1e-3);
  if (options_.output.empty()) options_.output = DefaultOutput(options_.model);
  latency_ = MakeLatencyRun(options_.latency, options_.cores);
  if (options_.threads <= 0) options_.threads = static_cast<int>(latency_.cores.size());
}

Result<OptimizeOutcome> OptimizeRun::Run() {
  // Threads made from here on run on these cores only.
  if (!options_.cores.empty() && !PinThisThread(options_.cores)) {
    return InvalidArgument("the cores asked for may not be used by this process", "BAD_CORES");
  }
  if (!options_.dry_run) NS_RETURN_IF_ERROR(OutputFolder::Check(options_.output, Existing()));
  NS_RETURN_IF_ERROR(Load());
  NS_RETURN_IF_ERROR(Prepare());
  if (options_.dry_run) return DescribePlan();
  if (data_) NS_RETURN_IF_ERROR(Baseline());
  Status done = options_.recipe.empty() ? Tune() : Replay();
  bool decided = done.ok() && data_ && options_.recipe.empty();
  if (done.ok()) done = Package();
  OptimizeOutcome outcome;
  bool has_best = best_so_far_ && quantized_;
  outcome.interrupted = done.code() == StatusCode::kCancelled && has_best;
  if (outcome.interrupted) done = PackageSoFar("Stopped");
  // fp32 that is kept is written without a session.
  if (done.reason() == "OUT_OF_MEMORY" && (has_best || decided)) done = PackageSoFar("Memory ran out before the packaged file was measured");
  NS_RETURN_IF_ERROR(done);
  outcome.report = std::move(report_);
  outcome.output = options_.output;
  outcome.evaluation_seconds = packaged_.seconds;
  return outcome;
}

OutputFolder::Existing OptimizeRun::Existing() const {
  return options_.force ? OutputFolder::Existing::kReplaceResult : OutputFolder::Existing::kRefuse;
}

Status OptimizeRun::Check() const {
  if (context_.stop.stop_requested()) return Cancelled();
  return progress_.status();
}

Status OptimizeRun::Load() {
  progress_.Begin("load", 0, 0.03);
  if (!options_.recipe.empty()) {
    NS_ASSIGN_OR_RETURN(recipe_, ReadRecipe(options_.recipe));
  }
  bool labels = false;
  for (const MetricRequest& metric : options_.metrics) {
    if (metric.name.empty()) continue;
    NS_ASSIGN_OR_RETURN(bool needs, MetricNeedsLabels(metric.name));
    labels = labels || needs;
  }
  NS_ASSIGN_OR_RETURN(source_, LoadSource(options_.model));
  for (const std::string& note : source_->model.notes()) AddNote(note);
  NS_RETURN_IF_ERROR(DescribeModel());
  // A recipe can be replayed without data; then nothing is evaluated.
  if (!options_.recipe.empty() && options_.data.path.empty()) return Check();
  NS_ASSIGN_OR_RETURN(data_, OpenData(*source_, options_.data,
                                      labels ? DataSetOptions::Labels::kRequired : DataSetOptions::Labels::kOptional));
  NS_RETURN_IF_ERROR(ChooseMetrics());
  for (const std::string& note : data_->split.notes) AddNote(note);
  if (source_->folder) AddGuesses("model", source_->folder->guesses);
  AddGuesses("data", data_->evaluation->guesses());
  if (data_->second) AddGuesses("calibration data", data_->second->guesses());
  NS_RETURN_IF_ERROR(DescribeData());
  return Check();
}

Status OptimizeRun::Prepare() {
  progress_.Begin("prepare", 0.03, 0.06);
  NS_ASSIGN_OR_RETURN(Model prepared, PrepareModel(source_->model.Clone(), progress_, context_.stop));
  auto quantizer = Quantizer::Create(prepared.Clone());
  if (quantizer.ok()) {
    quantizer_ = std::move(*quantizer);
  } else if (quantizer.status().reason() == "NOTHING_TO_QUANTIZE") {
    AddNote(quantizer.status().message());
  } else {
    return quantizer.status();
  }
  prepared_ = std::move(prepared);
  return Check();
}

Status OptimizeRun::ChooseMetrics() {
  metrics_ = options_.metrics;
  for (MetricRequest& metric : metrics_) {
    NS_ASSIGN_OR_RETURN(metric.name, ChooseMetric(metric.name, *source_, *data_, &report_.guesses));
  }
  return OkStatus();
}

Status OptimizeRun::Baseline() {
  progress_.Begin("baseline", 0.06, 0.25);
  std::vector<std::string> guesses;
  NS_RETURN_IF_ERROR(MakeEvaluator(&guesses));
  AddGuesses("output", guesses);
  NS_RETURN_IF_ERROR(EvaluateBaseline());
  std::vector<AccuracyGoal> goals;
  for (size_t i = 0; i < metrics_.size(); ++i) {
    double value = baseline_.metrics[i].value;
    if (!std::isfinite(value)) {
      return InvalidArgument(fmt::format("the fp32 model's {} over {} rows is {}, so no loss can be measured against it; "
                                         "take another --metric, or check that the data is what the model was made for",
                                         metrics_[i].name, baseline_.rows, value),
                             "BASELINE_NOT_FINITE");
    }
    AccuracyCriterion criterion = metrics_[i].criterion;
    criterion.higher_is_better = metrics_[i].higher_is_better.value_or(evaluator_->higher_is_better(i));
    goals.push_back({metrics_[i].name, criterion, value});
  }
  for (const AccuracyGoal& goal : goals)
    report_.goals.push_back({goal.metric, goal.criterion.Limit(goal.baseline), goal.criterion.higher_is_better});
  goals_ = AccuracyGoals(std::move(goals));
  early_stopper_.emplace(goals_, baseline_, evaluator_->batch_size(), options_.tuning.seed);
  ReportBaseline();
  TellTeamOfBaseline();
  return Check();
}

Status OptimizeRun::MakeEvaluator(std::vector<std::string>* guesses) {
  EvaluatorOptions evaluator{{}, options_.threads, options_.data.batch_size};
  for (const MetricRequest& metric : metrics_) evaluator.metrics.push_back({metric.name, metric.options});
  NS_ASSIGN_OR_RETURN(evaluator_, Evaluator::Create(*data_->evaluation, data_->split.evaluation, source_->model.outputs(), evaluator, guesses));
  return OkStatus();
}

Status OptimizeRun::EvaluateBaseline() {
  OpenCache();
  if (marks_.Killed(kBaselineMark) > 0) {
    AddNote(kMemoryShort);
    evaluator_->GoSmall();
    small_ = true;
  }
  // Outputs that candidates are compared with are not kept.
  bool may_be_known = cache_ && !evaluator_->compares_with_baseline();
  if (may_be_known) {
    auto text = cache_->Get("baseline");
    auto known = text ? EvaluationFromText(*text) : std::nullopt;
    if (known && known->metrics.size() == metrics_.size()) {
      baseline_ = *std::move(known);
      progress_.Send(Expect(baseline_.seconds));
      AddNote("the fp32 model's evaluation is known from an earlier run");
      return OpenTeam();
    }
  }
  if (marks_.Killed(kBaselineMark) > 1) {
    return ResourceExhausted("the fp32 model takes more memory than there is, with one thread and row by row, too", "OUT_OF_MEMORY");
  }
  WorkMarks::Mark mark = marks_.Begin(kBaselineMark);
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, {}));
  auto expected = ExpectedBaselineSeconds(session);
  if (!expected.ok()) return expected.status().WithContext("the fp32 model");
  if (*expected > SecondsLeft()) {
    *expected = FitRows(*expected);
    NS_RETURN_IF_ERROR(MakeEvaluator(nullptr));
    OpenCache();
  }
  NS_RETURN_IF_ERROR(OpenTeam());
  progress_.Send(Expect(*expected));
  auto baseline = SharesBaseline(*expected) ? SharedBaseline(session, *expected) : BaselineHere(session, *expected);
  if (!baseline.ok()) return baseline.status().WithContext("the fp32 model");
  baseline_ = std::move(*baseline);
  report_.full_evaluations = 1;
  if (evaluator_->rows().size() < data_->split.evaluation.size()) {
    AddNote(fmt::format("the fp32 model took longer than expected, and the timeout has no time for all {} rows: {} of them, evenly spread, stand for all",
                        data_->split.evaluation.size(), evaluator_->rows().size()));
    data_->split.evaluation = evaluator_->rows();
    OpenCache();
  } else if (may_be_known) {
    cache_->Put("baseline", EvaluationToText(baseline_));
  }
  return OkStatus();
}

Result<Evaluation> OptimizeRun::BaselineHere(const Session& session, double expected_seconds) {
  auto evaluate = [&](Pace pace) {
    BaselineLimit limit({evaluator_->batches(), evaluator_->batch_size(), expected_seconds}, [this] { return SecondsLeft(); });
    bool limited = options_.tuning.stop.timeout_seconds > 0;
    return evaluator_->EvaluateBaseline(session, progress_, context_.stop, pace, limited ? &limit : nullptr);
  };
  if (marks_.Killed(kBaselineMark) == 0) {
    auto baseline = evaluate(Pace::kUsual);
    if (baseline.ok() || baseline.status().reason() != "OUT_OF_MEMORY") return baseline;
    AddNote(kMemoryShort);
  }
  evaluator_->GoSmall();
  small_ = true;
  return evaluate(Pace::kSmall);
}

void OptimizeRun::ReportBaseline() {
  report_.evaluation_rows = baseline_.rows;
  TrialReport trial;
  trial.configuration = "fp32";
  for (const AccuracyGoal& goal : goals_.goals()) trial.metric[goal.metric] = goal.baseline;
  report_.baseline.metric = trial.metric;
  trial.rows = baseline_.rows;
  trial.meets_criterion = goals_.BaselineHolds();
  trial.size_bytes = report_.baseline.size_bytes;
  trial.seconds = baseline_.seconds;
  TrialEvent event;
  event.configuration = trial.configuration;
  event.metric = goals_.goals()[0].metric;
  event.accuracy = goals_.goals()[0].baseline;
  event.duration_seconds = trial.seconds;
  event.size_bytes = report_.baseline.size_bytes;
  event.meets_criterion = trial.meets_criterion;
  progress_.Send(event);
  report_.trials.push_back(std::move(trial));
}

Status OptimizeRun::Replay() {
  progress_.Begin("quantize", 0.4, 0.8);
  if (recipe_->model_sha256 != model_sha256_) {
    return InvalidArgument(
        fmt::format(
            "the recipe '{}' was made for another model (SHA-256 {}..., this one has {}...); optimize this model "
            "without --recipe",
            options_.recipe.string(), recipe_->model_sha256.substr(0, 12), model_sha256_.substr(0, 12)),
        "RECIPE_FOR_ANOTHER_MODEL");
  }
  reason_ = fmt::format("the recipe '{}' says so", options_.recipe.filename().string());
  if (recipe_->keep_float) return OkStatus();
  if (!quantizer_)
    return InvalidArgument("the recipe quantizes, but nothing in this model can be quantized", "BAD_RECIPE");
  label_ = recipe_->label;
  config_ = recipe_->config;
  quantizer_->UseFacts(*config_, recipe_->facts);
  auto quantized = quantizer_->Quantize(*config_);
  if (!quantized.ok()) return quantized.status().WithContext(fmt::format("recipe '{}'", options_.recipe.string()));
  quantized_ = std::move(*quantized);
  return Check();
}

void OptimizeRun::AddNote(std::string note) {
  progress_.Note(note);
  report_.notes.push_back(std::move(note));
}

void OptimizeRun::AddGuesses(const std::string& about, const std::vector<std::string>& guesses) {
  for (const std::string& guess : guesses) {
    report_.guesses.push_back({about, guess, ""});
    progress_.Note("guessed: " + guess);
  }
}

Result<OptimizeOutcome> Optimize(const OptimizeOptions& options, const WorkContext& context) {
  OptimizeRun run(options, context);
  try {
    return run.Run();
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory", "OUT_OF_MEMORY");
  }
}

}  // namespace ns
