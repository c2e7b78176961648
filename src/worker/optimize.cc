#include "worker/optimize.h"

#include <algorithm>
#include <cmath>

#include "base/cpu.h"
#include "worker/inputs.h"
#include "worker/optimize_run.h"

namespace ns {
namespace fs = std::filesystem;

OptimizeRun::OptimizeRun(const OptimizeOptions& options, const WorkContext& context)
    : options_(options), context_(context), progress_(context.clock, context.events) {
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
  NS_RETURN_IF_ERROR(options_.recipe.empty() ? Tune() : Replay());
  NS_RETURN_IF_ERROR(Package());
  OptimizeOutcome outcome;
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
  if (!options_.metric.empty()) {
    NS_ASSIGN_OR_RETURN(labels, MetricNeedsLabels(options_.metric));
  }
  NS_ASSIGN_OR_RETURN(source_, LoadSource(options_.model));
  for (const std::string& note : source_->model.notes()) AddNote(note);
  NS_RETURN_IF_ERROR(DescribeModel());
  // A recipe can be replayed without data; then nothing is evaluated.
  if (!options_.recipe.empty() && options_.data.path.empty()) return Check();
  NS_ASSIGN_OR_RETURN(data_, OpenData(*source_, options_.data,
                                      labels ? DataSetOptions::Labels::kRequired : DataSetOptions::Labels::kOptional));
  NS_ASSIGN_OR_RETURN(metric_, ChooseMetric(options_.metric, *source_, *data_, &report_.guesses));
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

Status OptimizeRun::Baseline() {
  progress_.Begin("baseline", 0.06, 0.25);
  std::vector<std::string> guesses;
  EvaluatorOptions evaluator{metric_, options_.metric_options, options_.threads, options_.data.batch_size};
  NS_ASSIGN_OR_RETURN(evaluator_, Evaluator::Create(*data_->evaluation, data_->split.evaluation,
                                                    source_->model.outputs(), evaluator, &guesses));
  AddGuesses("output", guesses);
  criterion_ = options_.criterion;
  criterion_.higher_is_better = options_.higher_is_better.value_or(evaluator_->higher_is_better());
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(source_->model, {}));
  auto baseline = evaluator_->EvaluateBaseline(session, progress_, context_.stop);
  if (!baseline.ok()) return baseline.status().WithContext("the fp32 model");
  baseline_ = std::move(*baseline);
  if (!std::isfinite(baseline_.value)) {
    return InvalidArgument(fmt::format("the fp32 model's {} over {} rows is {}, so no loss can be measured against it; "
                                       "take another --metric, or check that the data is what the model was made for",
                                       metric_, baseline_.rows, baseline_.value),
                           "BASELINE_NOT_FINITE");
  }
  report_.evaluation_rows = baseline_.rows;
  report_.baseline.metric[metric_] = baseline_.value;
  report_.full_evaluations = 1;
  TrialEvent event;
  event.configuration = "fp32";
  event.metric = metric_;
  event.accuracy = baseline_.value;
  event.duration_seconds = baseline_.seconds;
  event.size_bytes = report_.baseline.size_bytes;
  event.meets_criterion = criterion_.Accepts(baseline_.value, baseline_.value);
  progress_.Send(event);
  TrialReport trial;
  trial.configuration = "fp32";
  trial.metric[metric_] = baseline_.value;
  trial.rows = baseline_.rows;
  trial.meets_criterion = event.meets_criterion;
  trial.size_bytes = event.size_bytes;
  trial.seconds = baseline_.seconds;
  report_.trials.push_back(trial);
  return Check();
}

std::vector<StartingPoint> OptimizeRun::StartingPoints() {
  std::vector<StartingPoint> starts;
  if (!quantizer_) return starts;
  auto add = [&](OpMode mode) {
    auto candidates = quantizer_->Candidates(mode);
    if (candidates.empty()) return;
    std::string why;
    StartingPoint start{std::string(OpModeName(mode)), DefaultConfig(mode, &why)};
    if (!why.empty() && starts.empty()) AddNote(why);
    start.config.defaults.calibration = options_.calibration_method;
    if (options_.per_channel) start.config.defaults.per_channel = *options_.per_channel;
    for (const OperatorDecision& op : candidates) {
      for (const std::string& excluded : options_.excluded_operators)
        if (op.name == excluded || op.type == excluded) start.config.SetMode(op.name, OpMode::kFloat);
    }
    starts.push_back(std::move(start));
  };
  if (options_.approach != Approach::kDynamic) add(OpMode::kStatic);
  if (options_.approach != Approach::kStatic) add(OpMode::kDynamic);
  return starts;
}

Status OptimizeRun::Calibrate() {
  progress_.Begin("calibrate", 0.25, 0.4);
  CalibrationOptions calibration;
  calibration.methods = {options_.calibration_method};
  calibration.threads = options_.threads;
  calibration.batch_size = data_->calibration().fixed_batch().value_or(1);
  NS_RETURN_IF_ERROR(
      quantizer_->Calibrate(data_->calibration(), data_->split.calibration, calibration, progress_, context_.stop));
  return Check();
}

Status OptimizeRun::Tune() {
  std::vector<StartingPoint> starts = StartingPoints();
  bool is_static = !starts.empty() && starts[0].config.defaults.mode == OpMode::kStatic;
  if (is_static) NS_RETURN_IF_ERROR(Calibrate());
  TuningSession::Options tuning;
  tuning.criterion = criterion_;
  tuning.stop = options_.stop;
  tuning.baseline = baseline_.value;
  tuning.float_size_bytes = ModelBytes(*prepared_);
  tuning.starts = std::move(starts);
  TuningSession session(tuning);

  NS_ASSIGN_OR_RETURN(Session float_session, Session::FromModel(*prepared_, TimedSession(latency_)));
  TrialSetting setting;
  setting.quantizer = quantizer_ ? &*quantizer_ : nullptr;
  setting.evaluator = &*evaluator_;
  setting.data = &*data_;
  setting.float_session = &float_session;
  setting.latency = latency_;
  setting.latency_batch = options_.latency.batch;
  setting.threads = options_.threads;
  setting.metric = metric_;
  setting.baseline_seconds = baseline_.seconds;
  TrialRunner runner(setting, progress_, context_.stop);
  NS_RETURN_IF_ERROR(runner.Run(session));
  report_.full_evaluations +=
      static_cast<int>(std::count_if(session.trials().begin(), session.trials().end(),
                                     [](const Trial& trial) { return trial.outcome.failure.empty(); }));
  report_.trials.insert(report_.trials.end(), runner.reports().begin(), runner.reports().end());
  TuningAnswer answer = session.answer();
  reason_ = answer.reason;
  if (!answer.trial) return OkStatus();
  const Trial& chosen = session.trial(*answer.trial);
  label_ = chosen.label;
  config_ = chosen.config;
  NS_ASSIGN_OR_RETURN(quantized_, runner.TakeModel(chosen));
  return Check();
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
  quantizer_->UseRanges(recipe_->ranges);
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
  return run.Run();
}

}  // namespace ns
