#include <algorithm>
#include <cmath>

#include "worker/trial_runner.h"

namespace ns {

void TrialRunner::Tell(const TuningWork& work, const TuningResult& result, const TuningSession& session) {
  if (work.trial > 0 && std::get<EvaluateResult>(result).failure.empty()) Announce(work.trial, session);
  if (auto* probe = std::get_if<ProbeResult>(&result); probe != nullptr && probe->failure.empty()) {
    progress_.Note(fmt::format("{}: outputs within {:.1f} dB of fp32's",
                               Canonical(std::get<ProbeItem>(work.item).config), probe->output_sqnr_db));
  }
  if (auto* time = std::get_if<TimeResult>(&result)) TellTimes(std::get<TimeItem>(work.item), *time, session);
  if (auto* rank = std::get_if<RankResult>(&result); rank != nullptr && !rank->operators.empty() && std::get<RankItem>(work.item).effects) {
    auto effect = [](const OperatorScore& one) { return std::isnan(one.effect_db) ? INFINITY : one.effect_db; };
    auto worst = std::min_element(rank->operators.begin(), rank->operators.end(), [&](const auto& a, const auto& b) { return effect(a) < effect(b); });
    progress_.Note(fmt::format("{} operators ranked by what each alone does to the outputs; the worst is '{}' with {:.1f} dB",
                               rank->operators.size(), worst->name, worst->effect_db));
  }
  if (auto best = session.best_so_far()) {
    workforce_->Keep(Canonical(session.history().trial(*best).config));
    if (setting_.has_best) setting_.has_best();
  }
  // The leading trial's event is sent again when another one has taken the lead.
  std::optional<int> leader = session.leader();
  if (leader && leader != leader_) Announce(*leader, session);
}

void TrialRunner::TellTimes(const TimeItem& item, const TimeResult& result, const TuningSession& session) {
  for (size_t i = 0; i < result.models.size(); ++i) {
    const MeasuredSpeed& speed = result.models[i].speed;
    const Trial* trial = session.history().Find(item.configs[i]);
    progress_.Note(fmt::format("{} runs at {:.2f} times the speed of fp32 (95 % {:.2f} to {:.2f})",
                               trial ? trial->label : std::string(OpModeName(item.configs[i].defaults.mode)), speed.speedup, speed.low, speed.high));
  }
}

void TrialRunner::Announce(int id, const TuningSession& session) {
  const Trial& trial = session.history().trial(id);
  if (!trial.result || trial.failed()) return;
  TrialEvent event;
  event.index = id;
  event.configuration = trial.label;
  event.metric = session.history().problem().goals.goals()[0].metric;
  event.accuracy = trial.result->values[0];
  event.duration_seconds = records_[id].seconds;
  event.size_bytes = trial.result->size_bytes;
  const MeasuredModel* model = session.history().FindModel(trial.config);
  if (model != nullptr && model->latency_ms > 0) event.latency_ms = model->latency_ms;
  event.meets_criterion = trial.accepted;
  event.best = session.leader() == id;
  if (event.best) leader_ = id;
  progress_.Send(event);
}

bool TrialRunner::WasSmall(int trial) const {
  auto record = records_.find(trial);
  return record != records_.end() && record->second.small;
}

std::vector<TrialReport> TrialRunner::Reports(const TuningSession& session) const {
  std::vector<TrialReport> reports;
  const auto& goals = session.history().problem().goals.goals();
  for (const Trial& trial : session.history().trials()) {
    if (!trial.result || trial.pruned) continue;
    TrialReport report;
    report.index = trial.id;
    report.configuration = trial.label;
    report.meets_criterion = trial.accepted;
    report.note = trial.result->failure;
    auto record = records_.find(trial.id);
    if (record != records_.end()) {
      report.started = record->second.started;
      report.seconds = record->second.seconds;
      if (workforce_->most() > 1 && !record->second.cached) report.worker = std::to_string(record->second.worker);
    }
    if (!trial.failed()) {
      for (size_t i = 0; i < goals.size(); ++i) report.metric[goals[i].metric] = trial.result->values[i];
      report.rows = trial.result->rows;
      report.size_bytes = trial.result->size_bytes;
      if (trial.result->stopped_early)
        report.note = fmt::format("stopped after {} rows: sure to miss the goal", trial.result->rows);
    }
    const MeasuredModel* model = session.history().FindModel(trial.config);
    if (model != nullptr && model->latency_ms > 0) report.latency_ms = model->latency_ms;
    auto add = [&](std::string_view note) { report.note += (report.note.empty() ? "" : "; ") + std::string(note); };
    if (record != records_.end() && record->second.cached) add("known from an earlier run");
    if (WasSmall(trial.id)) add("memory was short: tried again with one thread, row by row");
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ns
