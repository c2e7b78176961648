#include "worker/trial_runner.h"

#include <algorithm>

namespace ns {

namespace {

constexpr double kTuningFrom = 0.4, kTuningTo = 0.8;  // of the whole work
constexpr size_t kRankRows = 16;                      // enough to order operators by their noise
constexpr size_t kLatencyRows = 32;

}  // namespace

uint64_t ModelBytes(const Model& model) {
  uint64_t bytes = model.proto().ByteSizeLong();
  for (const auto& tensor : model.graph().initializer()) {
    if (const auto* shared = model.SharedWeight(tensor.name())) bytes += shared->bytes.size();
  }
  return bytes;
}

TrialRunner::TrialRunner(TrialSetting setting, StageProgress& progress, std::stop_token stop)
    : setting_(std::move(setting)), progress_(progress), stop_(std::move(stop)) {}

// How many actions there will be isn't known: each takes a sixth of what is left.
void TrialRunner::BeginStage(std::string_view stage) {
  double next = shown_ + (1 - shown_) / 6;
  progress_.Begin(stage, kTuningFrom + (kTuningTo - kTuningFrom) * shown_,
                  kTuningFrom + (kTuningTo - kTuningFrom) * next);
  shown_ = next;
}

Status TrialRunner::Run(TuningSession& session) {
  while (true) {
    NS_RETURN_IF_ERROR(progress_.status());
    if (stop_.stop_requested()) return Cancelled();
    TuningAction action = session.Next(progress_.elapsed_seconds() + setting_.baseline_seconds);
    if (std::holds_alternative<Done>(action)) return OkStatus();
    if (auto* evaluate = std::get_if<EvaluateTrial>(&action)) {
      NS_RETURN_IF_ERROR(Evaluate(*evaluate, session));
    } else if (auto* rank = std::get_if<RankConfig>(&action)) {
      NS_RETURN_IF_ERROR(Rank(*rank, session));
    } else {
      NS_RETURN_IF_ERROR(Time(std::get<TimeTrials>(action), session));
    }
  }
}

Status TrialRunner::Evaluate(const EvaluateTrial& action, TuningSession& session) {
  TrialReport report;
  report.index = action.trial;
  report.configuration = action.label;
  report.started = FormatTime(SystemClock().wall());
  double start = progress_.elapsed_seconds();
  auto outcome = EvaluateModel(action, &report);
  report.seconds = progress_.elapsed_seconds() - start;
  if (!outcome.ok()) {
    const Status status = outcome.status();
    if (status.code() == StatusCode::kCancelled || status.code() == StatusCode::kResourceExhausted) return status;
    report.note = status.message();
    progress_.Warn(fmt::format("{}: {}", action.label, status.message()));
    TrialOutcome failed;
    failed.failure = status.message();
    outcome = failed;
  }
  session.ObserveEvaluation(*outcome);
  report.meets_criterion = session.trial(action.trial).accepted;
  reports_.push_back(report);
  if (outcome->failure.empty()) Announce(report, session);
  return OkStatus();
}

Result<TrialOutcome> TrialRunner::EvaluateModel(const EvaluateTrial& action, TrialReport* report) {
  BeginStage("quantize");
  NS_ASSIGN_OR_RETURN(QuantizedModel quantized, setting_.quantizer->Quantize(action.config));
  BeginStage("evaluate");
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(quantized.model, {}));
  NS_ASSIGN_OR_RETURN(Evaluation evaluation, setting_.evaluator->Evaluate(session, progress_, stop_));
  TrialOutcome outcome;
  outcome.value = evaluation.value;
  outcome.size_bytes = ModelBytes(quantized.model);
  report->metric[setting_.metric] = evaluation.value;
  report->rows = evaluation.rows;
  report->size_bytes = outcome.size_bytes;
  kept_.insert_or_assign(action.trial, std::move(quantized));
  return outcome;
}

void TrialRunner::Announce(const TrialReport& report, const TuningSession& session) {
  TrialEvent event;
  event.index = report.index;
  event.configuration = report.configuration;
  event.metric = setting_.metric;
  event.accuracy = report.metric.at(setting_.metric);
  event.duration_seconds = report.seconds;
  event.size_bytes = report.size_bytes;
  event.latency_ms = report.latency_ms;
  event.meets_criterion = report.meets_criterion;
  event.best = session.leader() == report.index;
  if (event.best) leader_ = report.index;
  progress_.Send(event);
}

void TrialRunner::AnnounceNewLeader(const TuningSession& session) {
  std::optional<int> leader = session.leader();
  if (!leader || leader == leader_) return;
  for (const TrialReport& report : reports_)
    if (report.index == *leader) return Announce(report, session);
}

Status TrialRunner::Rank(const RankConfig& action, TuningSession& session) {
  BeginStage("rank");
  // Not the calibration rows: an operator whose range calibration got wrong shows no harm there.
  std::vector<int64_t> rows = SpreadRows(setting_.data->split.evaluation, kRankRows);
  NS_ASSIGN_OR_RETURN(auto harms, setting_.quantizer->RankOperators(action.config, *setting_.data->evaluation, rows,
                                                                    setting_.threads, progress_, stop_));
  std::vector<RankedOperator> ranking;
  for (const OperatorHarm& harm : harms) ranking.push_back({harm.name, harm.sqnr_db});
  if (!harms.empty()) {
    progress_.Note(fmt::format("{} operators ranked by harm; the worst is {} '{}' with {:.1f} dB", harms.size(),
                               harms[0].type, harms[0].name, harms[0].sqnr_db));
  }
  session.ObserveRanking(std::move(ranking));
  return OkStatus();
}

Status TrialRunner::Time(const TimeTrials& action, TuningSession& session) {
  BeginStage("time");
  NS_ASSIGN_OR_RETURN(auto rows, LatencyRows(*setting_.data->evaluation, setting_.data->split.evaluation,
                                             setting_.latency_batch, kLatencyRows));
  std::vector<Session> sessions;
  for (int id : action.trials) {
    NS_ASSIGN_OR_RETURN(QuantizedModel model, TakeModel(session.trial(id)));
    NS_ASSIGN_OR_RETURN(Session timed, Session::FromModel(model.model, TimedSession(setting_.latency)));
    sessions.push_back(std::move(timed));
    kept_.insert_or_assign(id, std::move(model));
  }
  std::vector<const Session*> all = {setting_.float_session};
  for (const Session& one : sessions) all.push_back(&one);
  NS_ASSIGN_OR_RETURN(auto latencies, MeasureSessions(all, rows, setting_.latency, progress_, stop_));
  std::vector<MeasuredSpeed> speeds;
  for (size_t i = 0; i < action.trials.size(); ++i) {
    const LatencyResult& latency = latencies[i + 1];
    speeds.push_back({latency.speedup.value, latency.speedup.low, latency.speedup.high});
    for (TrialReport& report : reports_)
      if (report.index == action.trials[i]) report.latency_ms = latency.median_ms;
    progress_.Note(fmt::format("{} runs at {:.2f} times the speed of fp32 (95 % {:.2f} to {:.2f})",
                               session.trial(action.trials[i]).label, latency.speedup.value, latency.speedup.low,
                               latency.speedup.high));
  }
  session.ObserveTiming(speeds);
  AnnounceNewLeader(session);
  std::erase_if(kept_, [&](const auto& entry) { return session.best() != entry.first; });
  return OkStatus();
}

Result<QuantizedModel> TrialRunner::TakeModel(const Trial& trial) {
  auto kept = kept_.find(trial.id);
  if (kept == kept_.end()) return setting_.quantizer->Quantize(trial.config);
  QuantizedModel model = std::move(kept->second);
  kept_.erase(kept);
  return model;
}

}  // namespace ns
