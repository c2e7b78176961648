#include "service/task_answer.h"

namespace ns {

StatusAnswer ToStatusAnswer(const TaskView& view, const std::string& result_path) {
  const TaskRecord& record = view.record;
  StatusAnswer answer;
  answer.state = record.state;
  answer.progress = view.progress;
  answer.result = record.result;
  if (record.state == TaskState::kDone || view.has_result) answer.result_path = result_path;
  answer.name = record.name;
  answer.reason = record.reason;
  answer.message = record.message;
  if (view.waits) {
    answer.reason = view.waits->reason;
    answer.message = view.waits->message + (record.message.empty() ? "" : fmt::format(" ({})", record.message));
  }
  if (view.workers) {
    answer.workers = view.workers->asked;
    answer.workers_now = view.workers->now;
    answer.workers_most = view.workers->most;
    answer.workers_note = view.workers->why;
  }
  for (const auto& [worker, where] : view.where) {
    answer.where.push_back({worker, where.node, where.note});
    if (worker > 0 || !where.waiting) continue;
    answer.reason = "WAITS_ELSEWHERE";
    answer.message = where.note;
  }
  for (const AttemptRecord& attempt : record.attempts) answer.attempts.push_back({attempt.attempt, attempt.started, attempt.ended, attempt.outcome});
  answer.webhook = record.webhook;
  answer.attempt = record.attempt;
  answer.ahead = view.ahead;
  answer.submitted = record.submitted;
  answer.started = record.started;
  answer.ended = record.ended;
  return answer;
}

Result<StoredProgress> ReadProgress(const TaskStore& store, const std::string& id) {
  constexpr int kMost = 1000;
  StoredProgress stored;
  while (true) {
    NS_ASSIGN_OR_RETURN(auto events, store.Events(id, stored.last_event, kMost));
    for (const TaskEvent& event : events) stored.progress.Apply(event.payload);
    if (!events.empty()) stored.last_event = events.back().seq;
    if (events.size() < kMost) return stored;
  }
}

TaskSummary ToTaskSummary(const TaskRecord& record, const std::string& result_path) {
  TaskSummary summary;
  summary.order = record.order;
  summary.id = record.id;
  summary.name = record.name;
  summary.state = record.state;
  summary.priority = record.priority;
  summary.spec_json = record.spec_json;
  if (record.result) summary.result_json = OptimizedResultJson(*record.result);
  if (record.state == TaskState::kDone) summary.result_path = result_path;
  summary.reason = record.reason;
  summary.message = record.message;
  summary.submitted = record.submitted;
  summary.started = record.started;
  summary.ended = record.ended;
  return summary;
}

}  // namespace ns
