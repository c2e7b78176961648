#include "service/pending_task.h"

#include <algorithm>

#include "tasks/task_spec_codec.h"

namespace ns {

std::optional<WallTime> DeadlineOf(const TaskSpec& spec, WallTime submitted) {
  if (spec.deadline_time) return spec.deadline_time;
  if (!spec.deadline_seconds) return std::nullopt;
  return submitted + std::chrono::microseconds(static_cast<int64_t>(*spec.deadline_seconds * 1e6));
}

namespace {

// A year at most, so that no sum overflows.
std::chrono::microseconds Clamped(std::chrono::microseconds time) {
  constexpr std::chrono::microseconds kYear = std::chrono::hours(24 * 365);
  return std::clamp(time, -kYear, kYear);
}

}  // namespace

PendingTask MakePending(const std::string& id, int64_t order, const TaskSpec& spec, const std::string& submitter, WallTime submitted,
                        const Clock& clock) {
  WallTime wall = clock.wall();
  SteadyTime now = clock.steady();
  PendingTask pending{id, spec.priority, order, 0, 0, spec.workers, !spec.script_url.empty(), 0, submitter, now, {}};
  if (submitted < wall) pending.submitted = now - Clamped(wall - submitted);
  if (auto deadline = DeadlineOf(spec, submitted)) pending.deadline = now + Clamped(*deadline - wall);
  return pending;
}

PendingTask MakePending(const TaskRecord& task, const Clock& clock) {
  TaskSpec spec;
  // Parsing takes longer than all else at a start with a long queue; most requests say nothing of this.
  for (const char* field : {"\"workers\"", "\"deadline\""}) {
    if (task.spec_json.find(field) == std::string::npos) continue;
    ParsedTaskSpec parsed = ParseTaskSpec(task.spec_json);
    if (auto* known = std::get_if<TaskSpec>(&parsed)) spec = std::move(*known);
    break;
  }
  spec.priority = task.priority;
  PendingTask pending = MakePending(task.id, task.order, spec, task.submitter, task.submitted, clock);
  pending.attempt = task.attempt;
  pending.lost = task.lost;
  pending.assistants = task.assistants;
  return pending;
}

}  // namespace ns
