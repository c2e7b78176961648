#include "worker/trial_runner.h"

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "runtime/memory.h"
#include "worker/cache_codec.h"
#include "worker/recipe.h"

namespace ns {

namespace {

constexpr double kTuningFrom = 0.4, kTuningTo = 0.8;  // of the whole work
constexpr size_t kProbeRows = 16;                     // enough to order models and operators by their noise
constexpr size_t kLatencyRows = 32;
constexpr size_t kKeptModels = 3;

bool OutOfMemory(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted && status.reason() == "OUT_OF_MEMORY";
}

// What ends the whole task, not just the item: a stop, a full disk, calibration rows that make fp32 itself compute NaN.
bool EndsAll(const Status& status) {
  return status.code() == StatusCode::kCancelled || status.reason() == "NON_FINITE_VALUE" ||
         (status.code() == StatusCode::kResourceExhausted && !OutOfMemory(status));
}

// Histograms that one of these needs serve them all.
constexpr std::array kByHistogram = {CalibrationMethod::kEntropy, CalibrationMethod::kPercentile, CalibrationMethod::kMse};

bool NeedsHistogram(CalibrationMethod method) {
  return std::find(kByHistogram.begin(), kByHistogram.end(), method) != kByHistogram.end();
}

bool NeedsChannels(const QuantConfig& config) {
  return config.smooth_quant.has_value() || config.equalize || config.bias_correction;
}

std::set<CalibrationMethod> MethodsOf(const QuantConfig& config) {
  std::set<CalibrationMethod> methods;
  if (config.defaults.mode == OpMode::kStatic) methods.insert(config.defaults.calibration);
  for (const auto& [name, op] : config.operators)
    if (op.mode == OpMode::kStatic) methods.insert(op.calibration);
  return methods;
}

std::string FactsKey(const QuantConfig& config) { return "facts " + Canonical(config); }

}  // namespace

TrialRunner::TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop)
    : setting_(std::move(setting)), progress_(progress), stop_(std::move(stop)) {}

// How many items there will be isn't known: each takes a sixth of what is left.
void TrialRunner::BeginStage(std::string_view stage) {
  double next = shown_ + (1 - shown_) / 6;
  progress_.Begin(stage, kTuningFrom + (kTuningTo - kTuningFrom) * shown_,
                  kTuningFrom + (kTuningTo - kTuningFrom) * next);
  shown_ = next;
}

Status TrialRunner::Run(TuningSession& session) {
  double longest = setting_.evaluation_seconds;
  while (true) {
    NS_RETURN_IF_ERROR(progress_.status());
    if (stop_.stop_requested()) return Cancelled();
    auto all = session.Next({progress_.elapsed_seconds() + setting_.closing_seconds, longest}, 1);
    if (all.empty()) return OkStatus();
    for (const TuningWork& work : all) {
      double start = progress_.elapsed_seconds();
      if (work.trial > 0 && records_[work.trial].started.empty())
        records_[work.trial].started = FormatTime(SystemClock().wall());
      NS_ASSIGN_OR_RETURN(TuningResult result, Do(work, session));
      double seconds = progress_.elapsed_seconds() - start;
      if (work.trial > 0) {
        records_[work.trial].seconds += seconds;
        longest = std::max(longest, seconds);
      }
      session.Observe(work.id, result);
      Tell(work, result, session);
    }
  }
}

Result<TuningResult> TrialRunner::Do(const TuningWork& work, const TuningSession& session) {
  const AccuracyGoals& goals = session.history().problem().goals;
  if (auto cached = FromCache(work.item, goals)) {
    if (work.trial > 0) {
      records_[work.trial].cached = true;
      records_[work.trial].small = setting_.marks != nullptr && setting_.marks->Killed(KeyOf(work.item)) > 0;
    }
    return *std::move(cached);
  }
  auto result = Marked(work, session);
  if (result.ok()) ToCache(work.item, *result, goals);
  if (result.ok() || EndsAll(result.status())) return result;
  progress_.Warn(result.status().message());
  return FailedResult(work.item, result.status().message());
}

Result<TuningResult> TrialRunner::Marked(const TuningWork& work, const TuningSession& session) {
  static const WorkMarks kNone;
  const WorkMarks& marks = setting_.marks != nullptr ? *setting_.marks : kNone;
  const std::string piece = KeyOf(work.item);
  const int killed = marks.Killed(piece);
  auto short_of_memory = [&] { return ResourceExhausted("memory ran out and the worker was ended", "OUT_OF_MEMORY"); };
  if (killed > 1) return short_of_memory();
  WorkMarks::Mark mark = marks.Begin(piece);
  auto result = killed == 0 ? Once(work, session) : Result<TuningResult>(short_of_memory());
  if (result.ok() || !OutOfMemory(result.status())) return result;
  progress_.Warn(fmt::format("{}; trying once more with one thread and row by row", result.status().message()));
  if (work.trial > 0) records_[work.trial].small = true;
  MakeRoom();
  pace_ = Pace::kSmall;
  result = Once(work, session);
  pace_ = Pace::kUsual;
  return result;
}

Result<TuningResult> TrialRunner::Once(const TuningWork& work, const TuningSession& session) {
  try {
    bool can_hold = session.history().problem().goals.BaselineHolds();
    if (auto* evaluate = std::get_if<EvaluateItem>(&work.item)) return Evaluate(*evaluate, work.trial, can_hold);
    if (auto* probe = std::get_if<ProbeItem>(&work.item)) return Probe(*probe);
    if (auto* rank = std::get_if<RankItem>(&work.item)) return Rank(*rank);
    return Time(std::get<TimeItem>(work.item), session.history());
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory", "OUT_OF_MEMORY");
  }
}

// Models can be made again, but for the best: when a stop comes there is no time for it.
void TrialRunner::MakeRoom() {
  std::erase_if(kept_, [&](const auto& one) { return one.first != best_; });
  std::erase_if(kept_order_, [&](const std::string& one) { return one != best_; });
  probe_.reset();
  ReleaseFreeMemory();
}

namespace {

// An evaluation that was stopped early says something about these goals only.
std::string EarlyKey(const TuningItem& item, const AccuracyGoals& goals) {
  std::string key = "stopped early";
  for (const AccuracyGoal& goal : goals.goals()) {
    key += fmt::format(" {} {} {} {}", goal.metric, CriterionKindName(goal.criterion.kind), goal.criterion.tolerable_loss,
                       goal.criterion.higher_is_better);
  }
  return key + " " + KeyOf(item);
}

}  // namespace

// Whether it may end early or not, a result over all rows is the same.
std::string TrialRunner::FullKey(const TuningItem& item) const {
  if (auto* evaluate = std::get_if<EvaluateItem>(&item)) return KeyOf(EvaluateItem{evaluate->config, "", true});
  bool with_memory = std::holds_alternative<TimeItem>(item) && setting_.measure_memory;
  return (with_memory ? "memory and " : "") + KeyOf(item);
}

std::optional<TuningResult> TrialRunner::FromCache(const TuningItem& item, const AccuracyGoals& goals) const {
  if (setting_.cache == nullptr) return std::nullopt;
  auto text = setting_.cache->Get(FullKey(item));
  auto* evaluate = std::get_if<EvaluateItem>(&item);
  if (!text && evaluate != nullptr && !evaluate->in_full) text = setting_.cache->Get(EarlyKey(item, goals));
  return text ? ResultFromText(*text, item) : std::nullopt;
}

void TrialRunner::ToCache(const TuningItem& item, const TuningResult& result, const AccuracyGoals& goals) const {
  if (setting_.cache == nullptr) return;
  auto* evaluated = std::get_if<EvaluateResult>(&result);
  setting_.cache->Put(evaluated != nullptr && evaluated->stopped_early ? EarlyKey(item, goals) : FullKey(item), ResultToText(result));
}

Result<QuantFacts> TrialRunner::FactsOf(const QuantConfig& config) {
  NS_RETURN_IF_ERROR(ReadyFor(config));
  Recipe recipe;
  recipe.config = config;
  NS_ASSIGN_OR_RETURN(recipe.facts, setting_.quantizer->Facts(config));
  if (setting_.cache != nullptr && Calibrated(config)) setting_.cache->Put(FactsKey(config), RecipeToJson(recipe));
  return std::move(recipe.facts);
}

Status TrialRunner::ReadyFor(const QuantConfig& config) {
  if (setting_.cache == nullptr || Calibrated(config)) return CalibrateFor(config);
  if (auto text = setting_.cache->Get(FactsKey(config))) {
    if (auto recipe = ParseRecipe(*text); recipe.ok()) {
      setting_.quantizer->UseFacts(config, std::move(recipe->facts));
      return OkStatus();
    }
  }
  NS_RETURN_IF_ERROR(CalibrateFor(config));
  return FactsOf(config).status();  // keeps them
}

bool TrialRunner::Calibrated(const QuantConfig& config) const {
  std::set<CalibrationMethod> methods = MethodsOf(config);
  bool known = std::includes(calibrated_.begin(), calibrated_.end(), methods.begin(), methods.end());
  return known && (channels_ || !NeedsChannels(config));
}

Status TrialRunner::CalibrateFor(const QuantConfig& config) {
  if (Calibrated(config)) return OkStatus();
  BeginStage("calibrate");
  // What was kept before is kept again: a pass over the rows is paid once for each new need.
  std::set<CalibrationMethod> methods = MethodsOf(config);
  methods.insert(calibrated_.begin(), calibrated_.end());
  CalibrationOptions options;
  options.methods.assign(methods.begin(), methods.end());
  options.channels = channels_ || NeedsChannels(config);
  options.threads = threads();
  options.batch_size = setting_.data->calibration().fixed_batch().value_or(1);
  NS_RETURN_IF_ERROR(setting_.quantizer->Calibrate(setting_.data->calibration(), setting_.data->split.calibration, options,
                                                   progress_, stop_));
  if (std::any_of(methods.begin(), methods.end(), NeedsHistogram)) methods.insert(kByHistogram.begin(), kByHistogram.end());
  calibrated_ = std::move(methods);
  channels_ = options.channels;
  return OkStatus();
}

Result<const QuantizedModel*> TrialRunner::Make(const QuantConfig& config) {
  std::string key = Canonical(config);
  auto kept = kept_.find(key);
  if (kept != kept_.end()) return &kept->second;
  NS_RETURN_IF_ERROR(ReadyFor(config));
  BeginStage("quantize");
  NS_ASSIGN_OR_RETURN(QuantizedModel made, setting_.quantizer->Quantize(config));
  while (kept_.size() >= kKeptModels) {
    // Never the best: when a stop comes there is no time to make it again.
    auto oldest = std::find_if(kept_order_.begin(), kept_order_.end(), [&](const std::string& one) { return one != best_; });
    kept_.erase(*oldest);
    kept_order_.erase(oldest);
  }
  kept_order_.push_back(key);
  return &kept_.emplace(key, std::move(made)).first->second;
}

Result<QuantizedModel> TrialRunner::TakeModel(const QuantConfig& config) {
  NS_RETURN_IF_ERROR(Make(config).status());
  std::string key = Canonical(config);
  QuantizedModel model = std::move(kept_.at(key));
  kept_.erase(key);
  std::erase(kept_order_, key);
  return model;
}

Result<TuningResult> TrialRunner::Evaluate(const EvaluateItem& item, int trial, bool can_hold) {
  NS_ASSIGN_OR_RETURN(const QuantizedModel* quantized, Make(item.config));
  BeginStage("evaluate");
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(quantized->model, {}));
  // A goal that fp32 itself misses is missed by all: what counts then is who comes closest.
  std::optional<EarlyStopper::Watch> watch;
  if (!item.in_full && can_hold && setting_.early_stopper->useful()) watch.emplace(*setting_.early_stopper);
  auto evaluation = setting_.evaluator->Evaluate(session, progress_, stop_, watch ? &*watch : nullptr, pace_);
  if (!evaluation.ok()) return evaluation.status().WithContext(fmt::format("trial {} ({})", trial, item.label));
  if (evaluation->stopped_early) {
    setting_.early_stopper->Learn(*watch);
    ++partial_;
  } else {
    ++full_;
  }
  return TuningResult(EvaluateResult{.values = evaluation->values(), .size_bytes = ModelBytes(quantized->model), .seconds = evaluation->seconds,
                                     .rows = evaluation->rows, .stopped_early = evaluation->stopped_early});
}

Result<const OutputProbe*> TrialRunner::Prober() {
  if (!probe_) {
    // Not the calibration rows: a range that calibration got wrong shows no harm there.
    std::vector<int64_t> rows = SpreadRows(setting_.data->split.evaluation, kProbeRows);
    NS_ASSIGN_OR_RETURN(probe_, OutputProbe::Create(*setting_.quantizer, *setting_.data->evaluation, rows,
                                                    threads(), progress_, stop_));
  }
  return &*probe_;
}

Result<TuningResult> TrialRunner::Probe(const ProbeItem& item) {
  NS_ASSIGN_OR_RETURN(const QuantizedModel* quantized, Make(item.config));
  BeginStage("probe");
  NS_ASSIGN_OR_RETURN(const OutputProbe* probe, Prober());
  ProbeResult result;
  NS_ASSIGN_OR_RETURN(result.output_sqnr_db, probe->Sqnr(quantized->model, stop_));
  return TuningResult(result);
}

// As many runs as take about the time of one evaluation: what they save is several.
int TrialRunner::EffectRuns() const {
  auto rows = static_cast<double>(setting_.data->split.evaluation.size());
  double one = setting_.baseline_seconds * std::min(1.0, static_cast<double>(kProbeRows) / rows) + 0.1;
  return std::clamp(static_cast<int>(setting_.baseline_seconds / one), 16, 128);
}

Result<TuningResult> TrialRunner::Rank(const RankItem& item) {
  NS_RETURN_IF_ERROR(CalibrateFor(item.config));
  BeginStage("rank");
  std::vector<int64_t> rows = SpreadRows(setting_.data->split.evaluation, kProbeRows);
  NS_ASSIGN_OR_RETURN(auto harms, setting_.quantizer->RankOperators(item.config, *setting_.data->evaluation, rows,
                                                                    threads(), progress_, stop_));
  RankResult result;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  for (const OperatorHarm& harm : harms) result.operators.push_back({harm.name, harm.sqnr_db, unknown, unknown});
  if (!item.effects) return TuningResult(result);
  NS_ASSIGN_OR_RETURN(const OutputProbe* probe, Prober());
  NS_ASSIGN_OR_RETURN(auto effects, probe->Effects(item.config, {EffectRuns()}, progress_, stop_));
  for (const OperatorEffect& effect : effects) {
    for (OperatorScore& score : result.operators) {
      if (score.name != effect.name) continue;
      score.effect_db = effect.sqnr_db;
      score.effect_shared = !effect.measured;
    }
  }
  if (!effects.empty()) {
    progress_.Note(fmt::format("{} operators ranked by what each alone does to the outputs; the worst is {} '{}' with {:.1f} dB",
                               effects.size(), effects[0].type, effects[0].name, effects[0].sqnr_db));
  }
  return TuningResult(result);
}

Result<TuningResult> TrialRunner::Time(const TimeItem& item, const TuningHistory& history) {
  // All at once, for their sessions must live side by side anyway.
  std::vector<Session> sessions;
  TimeResult result;
  for (const QuantConfig& config : item.configs) {
    NS_ASSIGN_OR_RETURN(const QuantizedModel* model, Make(config));
    NS_ASSIGN_OR_RETURN(Session timed, Session::FromModel(model->model, TimedSession(setting_.latency)));
    sessions.push_back(std::move(timed));
    result.models.push_back({{}, ModelBytes(model->model), 0, 0});
    if (setting_.measure_memory) {
      NS_ASSIGN_OR_RETURN(result.models.back().memory_bytes, setting_.measure_memory(model->model));
    }
  }
  BeginStage("time");
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*setting_.data->evaluation, setting_.data->split.evaluation,
                                             setting_.latency_batch, kLatencyRows));
  std::vector<const Session*> all = {setting_.float_session};
  for (const Session& one : sessions) all.push_back(&one);
  NS_ASSIGN_OR_RETURN(auto latencies, MeasureSessions(all, rows, setting_.latency, progress_, stop_));
  for (size_t i = 0; i < item.configs.size(); ++i) {
    const LatencyResult& latency = latencies[i + 1];
    result.models[i].speed = {latency.speedup.value, latency.speedup.low, latency.speedup.high};
    result.models[i].latency_ms = latency.median_ms;
    const Trial* trial = history.Find(item.configs[i]);
    progress_.Note(fmt::format("{} runs at {:.2f} times the speed of fp32 (95 % {:.2f} to {:.2f})",
                               trial ? trial->label : std::string(OpModeName(item.configs[i].defaults.mode)),
                               latency.speedup.value, latency.speedup.low, latency.speedup.high));
  }
  return TuningResult(result);
}

}  // namespace ns
