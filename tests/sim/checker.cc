#include "checker.h"

#include <algorithm>

#include "workers.h"

namespace ns::sim {

int Checker::SlotsOf(const std::string& submitter) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) { return entry.second == submitter; }));
}

int Checker::RunningOf(const std::string& submitter) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) {
    return entry.second == submitter && std::get<2>(entry.first) == 0;
  }));
}

int Checker::ClassOf(const PendingTask& task, SteadyTime now) const {
  int task_class = task.priority;
  for (auto at = task.submitted + options_.queue.age_step; at <= now && task_class > 1; at += options_.queue.age_step) --task_class;
  return task_class;
}

void Checker::BeforeStart(const Scheduler& scheduler, const PendingTask& task, SteadyTime now) {
  int limit = options_.queue.max_running;
  if (limit > 0 && RunningOf(task.submitter) >= limit) violation_(fmt::format("task {} starts beyond its submitter's limit", task.id));
  if (task.deadline && *task.deadline <= now) violation_(fmt::format("task {} starts after its deadline", task.id));
  if (task.lost > 2) violation_(fmt::format("task {} starts after {} lost attempts", task.id, task.lost));
  auto ended = ended_at_.find(task.id);
  if (ended != ended_at_.end() && now - ended->second < options_.first_backoff / 2) violation_(fmt::format("task {} starts right after a loss", task.id));
  int own_class = ClassOf(task, now), own_slots = SlotsOf(task.submitter);
  int64_t own_turn = last_turn_.contains(task.submitter) ? last_turn_[task.submitter] : 0;
  for (const PendingTask* other : scheduler.queue().Tasks()) {
    int64_t since = waits_since_.emplace(other->id, turns_).first->second;
    if (other == &task || (limit > 0 && RunningOf(other->submitter) >= limit)) continue;
    int other_class = ClassOf(*other, now);
    bool better = other_class < own_class;
    if (other_class == own_class) {
      int other_slots = SlotsOf(other->submitter);
      int64_t other_turn = last_turn_.contains(other->submitter) ? last_turn_[other->submitter] : 0;
      // Of equals who waited already when this one's submitter had its last turn, and had none since.
      bool turn = other_slots == own_slots && since < own_turn && other_turn < own_turn;
      better = other->submitter == task.submitter ? other->order < task.order : other_slots < own_slots || turn;
    }
    if (better) {
      violation_(fmt::format("task {} (class {}, submitter {} with {} slots) starts before {} (class {}, {} with {})", task.id, own_class,
                             task.submitter, own_slots, other->id, other_class, other->submitter, SlotsOf(other->submitter)));
    }
  }
  CheckOldest(task);
  Started(task);
}

void Checker::Told(const PendingTask& task) {
  if (task.attempt == 0 && !task.deadline) told_.emplace(task.id, task);
}

// Of a submitter and a priority, also where the scheduler was not told of all.
void Checker::CheckOldest(const PendingTask& task) {
  for (const auto& [id, other] : told_) {
    bool before = other.submitter == task.submitter && other.priority == task.priority && other.order < task.order;
    if (before && !jumped_) violation_(fmt::format("task {} starts before {}, which is older", task.id, id));
  }
}

// A submitter that took its turn.
void Checker::Started(const PendingTask& task) {
  last_turn_[task.submitter] = ++turns_;
  waits_since_.erase(task.id);
  told_.erase(task.id);
}

void Checker::BeforeGrow(const Scheduler& scheduler, const std::string& id, int task_class) {
  int limit = options_.queue.max_running;
  for (const PendingTask* other : scheduler.queue().Tasks()) {
    bool limited = limit > 0 && RunningOf(other->submitter) >= limit;
    if (!limited && ClassOf(*other, clock_.steady()) <= task_class) violation_(fmt::format("task {} grows while {} waits", id, other->id));
  }
}

void Checker::OnHeld(const std::string& submitter, const std::string& id, int attempt, int worker) { held_[{id, attempt, worker}] = submitter; }
void Checker::OnEnded(const std::string& id, int attempt, int worker, bool started) {
  auto held = held_.find({id, attempt, worker});
  if (held == held_.end()) return;
  if (worker == 0) {
    if (started) ended_at_[id] = clock_.steady();
    last_turn_[held->second] = ++turns_;
  }
  held_.erase(held);
}

void Checker::OnState(const TaskRecord& task) {
  auto [at, first] = durable_.emplace(task.id, task);
  const TaskRecord before = at->second;
  if (!first && !MayFollow(before.state, task.state)) {
    violation_(fmt::format("task {} goes from {} to {}", task.id, TaskStateName(before.state), TaskStateName(task.state)));
  }
  bool done = task.state == TaskState::kDone;
  if (done && !task.result) violation_(fmt::format("task {} is done without a result", task.id));
  if (done && task.result && task.result->accuracy != Workers::ResultOf(task.id, task.attempt)) {
    violation_(fmt::format("task {} attempt {} is done with the result of another attempt ({})", task.id, task.attempt, task.result->accuracy));
  }
  at->second = task;
}

void Checker::CheckPromises(const std::function<Result<TaskRecord>(const std::string&)>& get) const {
  for (const std::string& id : acknowledged_) {
    if (!get(id).ok()) violation_(fmt::format("task {} was accepted and is lost", id));
  }
  for (const std::string& id : cancelled_) {
    auto task = get(id);
    if (task.ok() && task->state != TaskState::kCancelled) violation_(fmt::format("task {} was cancelled and is {}", id, TaskStateName(task->state)));
  }
  for (const auto& [id, seen] : seen_) {
    auto task = get(id);
    if (!task.ok() || task->state != seen.state || task->reason != seen.reason) {
      violation_(fmt::format("task {} was shown as {} and is {}", id, TaskStateName(seen.state), task.ok() ? TaskStateName(task->state) : "lost"));
    }
  }
}

}  // namespace ns::sim
