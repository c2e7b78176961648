#include "checker.h"

#include <algorithm>

#include "workers.h"

namespace ns::sim {

int Checker::SlotsOf(const std::string& submitter) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) { return entry.second == submitter; }));
}

int Checker::RunningOf(const std::string& submitter) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) {
    return entry.second == submitter && entry.first.lead();
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
  class_of_[task.id] = own_class;
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

// For one that was adopted its priority.
int Checker::ClassOfRunning(const std::string& id) const {
  auto known = class_of_.find(id);
  if (known != class_of_.end()) return known->second;
  auto task = durable_.find(id);
  return task == durable_.end() ? 1 : task->second.priority;
}

// Assistants that were not told to end.
int Checker::StayingOf(const std::string& id) const {
  return static_cast<int>(std::count_if(held_.begin(), held_.end(), [&](const auto& entry) {
    return entry.first.task_id == id && !entry.first.lead() && !released_.contains(entry.first);
  }));
}

void Checker::BeforeGrow(const Scheduler& scheduler, const WorkerId& assistant, int task_class) {
  const std::string& id = assistant.task_id;
  for (const PendingTask* other : scheduler.queue().Tasks()) {
    if (!AtLimit(other->submitter) && ClassOf(*other, clock_.steady()) <= task_class) violation_(fmt::format("task {} grows while {} waits", id, other->id));
  }
  auto useful = useful_.find(id);
  if (useful != useful_.end() && StayingOf(id) + 2 > useful->second) violation_(fmt::format("task {} grows beyond the {} that it has use for", id, useful->second));
  for (const auto& [worker, submitter] : held_) {
    if (worker.task_id == id && worker.worker == assistant.worker) violation_(fmt::format("worker {} of task {} is there already", worker.worker, id));
  }
  auto loss = losses_.find({id, assistant.worker});
  if (loss == losses_.end()) return;
  if (loss->second.count >= options_.max_lost) violation_(fmt::format("worker {} of task {} is started after {} losses", assistant.worker, id, loss->second.count));
  if (clock_.steady() - loss->second.last < options_.first_backoff / 2) violation_(fmt::format("worker {} of task {} is started right after a loss", assistant.worker, id));
}

void Checker::OnHeld(const std::string& submitter, const WorkerId& worker) {
  held_[worker] = submitter;
  if (worker.lead()) useful_.erase(worker.task_id);
}

void Checker::OnEnded(const WorkerId& worker, bool started, bool lost) {
  auto held = held_.find(worker);
  if (held == held_.end()) return;
  if (worker.lead()) {
    if (started) ended_at_[worker.task_id] = clock_.steady();
    last_turn_[held->second] = ++turns_;
  } else if (lost) {
    Loss& loss = losses_[{worker.task_id, worker.worker}];
    ++loss.count;
    loss.last = clock_.steady();
  }
  held_.erase(held);
  released_.erase(worker);
}

void Checker::Useful(const WorkerId& lead, int useful) {
  if (held_.contains(lead)) useful_[lead.task_id] = std::max(1, useful);
}

void Checker::CheckAssistants(const Scheduler& scheduler) {
  std::map<int, int> waiting;  // by class
  for (const PendingTask* task : scheduler.queue().Tasks()) {
    if (!AtLimit(task->submitter)) ++waiting[ClassOf(*task, clock_.steady())];
  }
  std::string reason = scheduler.WhyWaitsBehind("", 0).reason;
  bool dispatching = reason != "PAUSED" && reason != "DRAINING";
  for (const auto& [worker, submitter] : held_) {
    const std::string& id = worker.task_id;
    if (worker.lead() || released_.contains(worker)) continue;
    int wait = 0;
    for (const auto& [task_class, count] : waiting) wait += task_class <= ClassOfRunning(id) ? count : 0;
    if (dispatching && scheduler.free_slots() == 0 && scheduler.releasing() < wait) {
      violation_(fmt::format("worker {} of task {} stays while {} tasks wait for a slot", worker.worker, id, wait));
    }
    auto task = durable_.find(id);
    if (task != durable_.end() && IsFinal(task->second.state)) violation_(fmt::format("worker {} of task {} stays after its end", worker.worker, id));
    auto useful = useful_.find(id);
    if (useful != useful_.end() && StayingOf(id) + 1 > useful->second) {
      violation_(fmt::format("task {} keeps {} assistants, its lead has use for {} workers", id, StayingOf(id), useful->second));
    }
  }
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
