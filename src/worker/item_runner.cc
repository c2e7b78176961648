#include "worker/item_runner.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>

#include "runtime/memory.h"
#include "worker/cache_codec.h"
#include "worker/model_bytes.h"

namespace ns {

namespace {

constexpr size_t kProbeRows = 16;  // enough to order models and operators by their noise
constexpr size_t kLatencyRows = 32;
constexpr size_t kKeptModels = 3;

bool OutOfMemory(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted && status.reason() == "OUT_OF_MEMORY";
}

}  // namespace

std::string PieceOf(const TeamTask& task) {
  if (auto* trial = std::get_if<TrialTask>(&task)) return KeyOf(trial->item);
  if (auto* shard = std::get_if<CalibrationShard>(&task)) {
    return fmt::format("calibration from row {}, {} methods, channels {}", shard->first_row, shard->options.methods.size(), shard->options.channels);
  }
  return fmt::format("baseline from batch {}", std::get<BaselineShard>(task).first);
}

void ItemRunner::Equip(ItemTools tools) {
  tools_ = std::move(tools);
  used_ = nullptr;
  probe_.reset();
  source_session_.reset();
}

Result<TeamOutcome> ItemRunner::Do(const TeamTask& task, std::stop_token stop, int killed) {
  auto start = std::chrono::steady_clock::now();
  bool small = false;
  auto outcome = Marked(task, stop, killed, &small);
  if (!outcome.ok()) return outcome;
  if (auto* trial = std::get_if<TrialOutcome>(&*outcome)) {
    trial->small = small;
    trial->seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  return outcome;
}

Result<TeamOutcome> ItemRunner::Marked(const TeamTask& task, std::stop_token stop, int killed, bool* small) {
  static const WorkMarks kNone;
  const std::string piece = PieceOf(task);
  const WorkMarks& marks = tools_.marks != nullptr ? *tools_.marks : kNone;
  killed = std::max(killed, marks.Killed(piece));
  auto short_of_memory = [] { return ResourceExhausted("memory ran out and the worker was ended", "OUT_OF_MEMORY"); };
  if (killed > 1) return short_of_memory();
  WorkMarks::Mark mark = marks.Begin(piece);
  auto outcome = killed == 0 ? Once(task, stop) : Result<TeamOutcome>(short_of_memory());
  *small = !outcome.ok() && OutOfMemory(outcome.status());
  if (!*small) return outcome;
  progress_.Note(fmt::format("{}; trying once more with one thread and row by row", outcome.status().message()));
  MakeRoom();
  pace_ = Pace::kSmall;
  outcome = Once(task, stop);
  pace_ = Pace::kUsual;
  return outcome;
}

Result<TeamOutcome> ItemRunner::Once(const TeamTask& task, std::stop_token stop) {
  try {
    if (auto* baseline = std::get_if<BaselineShard>(&task)) {
      NS_ASSIGN_OR_RETURN(EvaluationPart part, Baseline(*baseline, stop));
      return TeamOutcome(std::move(part));
    }
    if (auto* calibration = std::get_if<CalibrationShard>(&task)) {
      NS_ASSIGN_OR_RETURN(Statistics statistics, Calibrate(*calibration, stop));
      return TeamOutcome(std::move(statistics));
    }
    TrialOutcome outcome;
    NS_ASSIGN_OR_RETURN(outcome.result, DoTrial(std::get<TrialTask>(task), stop, &outcome));
    return TeamOutcome(std::move(outcome));
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory", "OUT_OF_MEMORY");
  }
}

Result<TuningResult> ItemRunner::DoTrial(const TrialTask& task, std::stop_token stop, TrialOutcome* outcome) {
  if (auto* evaluate = std::get_if<EvaluateItem>(&task.item)) return Evaluate(*evaluate, task, stop, outcome);
  if (auto* probe = std::get_if<ProbeItem>(&task.item)) return Probe(*probe, task, stop);
  if (auto* rank = std::get_if<RankItem>(&task.item)) return Rank(*rank, task, stop);
  return Time(std::get<TimeItem>(task.item), task, stop);
}

// Models can be made again, but for the best: when a stop comes there is no time for it.
void ItemRunner::MakeRoom() {
  std::string best = this->best();
  std::erase_if(kept_, [&](const auto& one) { return one.first != best; });
  std::erase_if(kept_order_, [&](const std::string& one) { return one != best; });
  probe_.reset();
  source_session_.reset();
  ReleaseFreeMemory();
}

void ItemRunner::Keep(const std::string& best) {
  std::lock_guard lock(best_mutex_);
  best_ = best;
}

std::string ItemRunner::best() const {
  std::lock_guard lock(best_mutex_);
  return best_;
}

void ItemRunner::Use(const QuantConfig& config, const KnowledgePtr& knowledge) {
  if (knowledge == nullptr || knowledge == used_) return;
  used_ = knowledge;
  if (knowledge->statistics != nullptr) {
    tools_.quantizer->UseStatistics(knowledge->statistics);
  } else {
    tools_.quantizer->UseFacts(config, knowledge->facts);
  }
}

Result<const QuantizedModel*> ItemRunner::Make(const QuantConfig& config, const KnowledgePtr& knowledge) {
  std::string key = Canonical(config);
  auto kept = kept_.find(key);
  if (kept != kept_.end()) return &kept->second;
  Use(config, knowledge);
  tools_.begin_stage("quantize");
  NS_ASSIGN_OR_RETURN(QuantizedModel made, tools_.quantizer->Quantize(config));
  std::string best = this->best();
  while (kept_.size() >= kKeptModels) {
    // Never the best: when a stop comes there is no time to make it again.
    auto oldest = std::find_if(kept_order_.begin(), kept_order_.end(), [&](const std::string& one) { return one != best; });
    kept_.erase(*oldest);
    kept_order_.erase(oldest);
  }
  kept_order_.push_back(key);
  return &kept_.emplace(key, std::move(made)).first->second;
}

Result<QuantizedModel> ItemRunner::TakeModel(const QuantConfig& config, const KnowledgePtr& knowledge) {
  NS_RETURN_IF_ERROR(Make(config, knowledge).status());
  std::string key = Canonical(config);
  QuantizedModel model = std::move(kept_.at(key));
  kept_.erase(key);
  std::erase(kept_order_, key);
  return model;
}

Result<TuningResult> ItemRunner::Evaluate(const EvaluateItem& item, const TrialTask& task, std::stop_token stop, TrialOutcome* outcome) {
  NS_ASSIGN_OR_RETURN(const QuantizedModel* quantized, Make(item.config, task.knowledge.at(0)));
  tools_.begin_stage("evaluate");
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(quantized->model, {}));
  std::optional<EarlyStopper::Watch> watch;
  if (task.may_stop && tools_.early_stopper != nullptr && tools_.early_stopper->useful()) watch.emplace(*tools_.early_stopper, task.hard);
  auto evaluation = tools_.evaluator->Evaluate(session, progress_, stop, watch ? &*watch : nullptr, pace_);
  if (!evaluation.ok()) return evaluation.status().WithContext(fmt::format("trial {} ({})", task.trial, item.label));
  if (evaluation->stopped_early) outcome->hard = tools_.early_stopper->HardOf(*watch);
  return TuningResult(EvaluateResult{.values = evaluation->values(), .size_bytes = ModelBytes(quantized->model), .seconds = evaluation->seconds,
                                     .rows = evaluation->rows, .stopped_early = evaluation->stopped_early});
}

Result<const OutputProbe*> ItemRunner::Prober(std::stop_token stop) {
  if (!probe_) {
    // Not the calibration rows: a range that calibration got wrong shows no harm there.
    std::vector<int64_t> rows = SpreadRows(tools_.data->split.evaluation, kProbeRows);
    NS_ASSIGN_OR_RETURN(probe_, OutputProbe::Create(*tools_.quantizer, *tools_.data->evaluation, rows, threads(), progress_, stop));
  }
  return &*probe_;
}

Result<TuningResult> ItemRunner::Probe(const ProbeItem& item, const TrialTask& task, std::stop_token stop) {
  NS_ASSIGN_OR_RETURN(const QuantizedModel* quantized, Make(item.config, task.knowledge.at(0)));
  tools_.begin_stage("probe");
  NS_ASSIGN_OR_RETURN(const OutputProbe* probe, Prober(stop));
  ProbeResult result;
  NS_ASSIGN_OR_RETURN(result.output_sqnr_db, probe->Sqnr(quantized->model, stop));
  return TuningResult(result);
}

Result<TuningResult> ItemRunner::Rank(const RankItem& item, const TrialTask& task, std::stop_token stop) {
  Use(item.config, task.knowledge.at(0));
  tools_.begin_stage("rank");
  std::vector<int64_t> rows = SpreadRows(tools_.data->split.evaluation, kProbeRows);
  NS_ASSIGN_OR_RETURN(auto harms, tools_.quantizer->RankOperators(item.config, *tools_.data->evaluation, rows, threads(), progress_, stop));
  RankResult result;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  for (const OperatorHarm& harm : harms) result.operators.push_back({harm.name, harm.sqnr_db, unknown, unknown});
  if (!item.effects) return TuningResult(result);
  NS_ASSIGN_OR_RETURN(const OutputProbe* probe, Prober(stop));
  NS_ASSIGN_OR_RETURN(auto effects, probe->Effects(item.config, {task.effect_runs}, progress_, stop));
  for (const OperatorEffect& effect : effects) {
    for (OperatorScore& score : result.operators) {
      if (score.name != effect.name) continue;
      score.effect_db = effect.sqnr_db;
      score.effect_shared = !effect.measured;
    }
  }
  return TuningResult(result);
}

Result<TuningResult> ItemRunner::Time(const TimeItem& item, const TrialTask& task, std::stop_token stop) {
  // All at once, for their sessions must live side by side anyway.
  std::vector<Session> sessions;
  TimeResult result;
  for (size_t i = 0; i < item.configs.size(); ++i) {
    NS_ASSIGN_OR_RETURN(const QuantizedModel* model, Make(item.configs[i], task.knowledge.at(i)));
    NS_ASSIGN_OR_RETURN(Session timed, Session::FromModel(model->model, TimedSession(tools_.latency)));
    sessions.push_back(std::move(timed));
    result.models.push_back({{}, ModelBytes(model->model), 0, 0});
    if (tools_.measure_memory) {
      NS_ASSIGN_OR_RETURN(result.models.back().memory_bytes, tools_.measure_memory(model->model));
    }
  }
  tools_.begin_stage("time");
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*tools_.data->evaluation, tools_.data->split.evaluation, tools_.latency_batch, kLatencyRows));
  std::vector<const Session*> all = {tools_.float_session};
  for (const Session& one : sessions) all.push_back(&one);
  NS_ASSIGN_OR_RETURN(auto latencies, MeasureSessions(all, rows, tools_.latency, progress_, stop));
  for (size_t i = 0; i < item.configs.size(); ++i) {
    const LatencyResult& latency = latencies[i + 1];
    result.models[i].speed = {latency.speedup.value, latency.speedup.low, latency.speedup.high};
    result.models[i].latency_ms = latency.median_ms;
  }
  return TuningResult(result);
}

Result<EvaluationPart> ItemRunner::Baseline(const BaselineShard& shard, std::stop_token stop) {
  if (!source_session_) {
    NS_ASSIGN_OR_RETURN(source_session_, Session::FromModel(*tools_.source, {}));
  }
  return tools_.evaluator->EvaluatePart(*source_session_, shard.first, shard.count, stop, pace_, shard.seconds);
}

Result<Statistics> ItemRunner::Calibrate(const CalibrationShard& shard, std::stop_token stop) {
  source_session_.reset();
  CalibrationOptions options = shard.options;
  options.threads = threads();
  std::span<const int64_t> rows = tools_.data->split.calibration;
  rows = rows.subspan(static_cast<size_t>(shard.first_row), static_cast<size_t>(shard.rows));
  return tools_.quantizer->Collect(tools_.data->calibration(), rows, options, progress_, stop);
}

}  // namespace ns
