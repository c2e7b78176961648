#include "schedule/scheduler.h"

#include <algorithm>

#include "base/status.h"
#include "tasks/attempt_outcome.h"

namespace ns {

Scheduler::Scheduler(const Options& options) : options_(options), random_(options.seed), queue_(options.queue) {}

std::vector<Action> Scheduler::AddNode(int64_t node, int slots, SteadyTime now) {
  NS_CHECK(slots >= 1 && slots <= kMaxSlotsOfNode && !UseOf(node), "{} slots, node {}", slots, node);
  nodes_[node] = slots;
  total_slots_ += slots;
  for (int index = 0; index < slots; ++index) free_.insert(SlotOf(node, index));
  std::vector<Action> actions;
  Dispatch(now, &actions);
  return actions;
}

void Scheduler::RemoveNode(int64_t node) {
  auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  total_slots_ -= found->second;
  nodes_.erase(found);
  free_.erase(free_.lower_bound(SlotOf(node, 0)), free_.lower_bound(SlotOf(node + 1, 0)));
}

std::optional<Scheduler::NodeUse> Scheduler::UseOf(int64_t node) const {
  auto count = [&](const auto& slots) {
    return static_cast<int>(std::distance(slots.lower_bound(SlotOf(node, 0)), slots.lower_bound(SlotOf(node + 1, 0))));
  };
  NodeUse use{count(free_), count(busy_)};
  if (!nodes_.contains(node) && use.busy == 0) return std::nullopt;
  return use;
}

int Scheduler::TakeSlot(Active& active, int worker) {
  int slot = *free_.begin();
  free_.erase(free_.begin());
  busy_[slot] = 1;
  active.slots[worker] = slot;
  if (active.counted && !Has(SeededBug::kUnfair)) queue_.CountSlots(active.submitter, 1);
  return slot;
}

void Scheduler::GiveSlot(Active& active, int worker) {
  auto found = active.slots.find(worker);
  if (found == active.slots.end()) return;
  int slot = found->second;
  active.slots.erase(found);
  if (active.releasing.erase(worker) > 0) --releasing_;
  if (Has(SeededBug::kForgetSlot) && worker == 0 && !active.current) return;
  auto busy = busy_.find(slot);
  if (busy != busy_.end() && (--busy->second == 0 || Has(SeededBug::kFreeHeldTwice))) {
    busy_.erase(busy);
    if (nodes_.contains(slot / kMaxSlotsOfNode)) free_.insert(slot);
  }
  if (active.counted && !Has(SeededBug::kUnfair)) queue_.CountSlots(active.submitter, -1);
}

void Scheduler::SetTimer(Task& task, std::optional<SteadyTime> at) {
  if (task.timer) timers_.erase({*task.timer, task.info.id});
  task.timer = at;
  if (at) timers_.emplace(*at, task.info.id);
}

void Scheduler::CountPending(const std::string& submitter, int change) {
  auto at = pending_of_.emplace(submitter, 0).first;
  if ((at->second += change) == 0) pending_of_.erase(at);
}

int64_t Scheduler::PendingOf(const std::string& submitter) const {
  auto found = pending_of_.find(submitter);
  return found == pending_of_.end() ? 0 : found->second;
}

void Scheduler::Wait(Task& task, std::optional<SteadyTime> not_before, SteadyTime now) {
  SetTimer(task, task.info.deadline);
  task.phase = not_before ? Phase::kBackingOff : Phase::kReady;
  if (not_before) {
    task.not_before = *not_before;
    waiting_.emplace(*not_before, task.info.id);
  } else {
    queue_.Add(task.info, now);
  }
}

void Scheduler::Drop(Task& task) {
  SetTimer(task, std::nullopt);
  if (task.phase != Phase::kRunning) CountPending(task.info.submitter, -1);
  if (task.phase == Phase::kReady) queue_.Remove(task.info);
  if (task.phase == Phase::kBackingOff) waiting_.erase({task.not_before, task.info.id});
  tasks_.erase(tasks_.find(task.info.id));
}

std::vector<Action> Scheduler::Submit(const PendingTask& info, SteadyTime now) {
  std::vector<Action> actions;
  auto [at, added] = tasks_.emplace(info.id, Task{info, Phase::kReady, {}, false, {}});
  if (!added) return actions;
  CountPending(info.submitter, 1);
  Wait(at->second, std::nullopt, now);
  Dispatch(now, &actions);
  return actions;
}

void Scheduler::Adopt(const PendingTask& info, int slot) {
  Task& task = tasks_[info.id] = Task{info, Phase::kRunning, {}, false, {}};
  if (info.deadline) SetTimer(task, *info.deadline + options_.deadline_grace);
  Active& active = active_[{info.id, info.attempt}];
  active.submitter = info.submitter;
  active.counted = active.current = true;
  active.task_class = std::clamp(info.priority, 1, PendingQueue::kClasses);
  active.wanted = info.workers;
  if (info.workers > 1) elastic_.insert({info.id, info.attempt});
  queue_.CountRunning(info.submitter, 1);
  Hold(info.id, info.attempt, 0, slot);
}

void Scheduler::Hold(const std::string& id, int attempt, int worker, int slot) {
  Active& active = active_[{id, attempt}];
  bool ours = free_.erase(slot) > 0 || busy_.contains(slot);
  if (ours) ++busy_[slot];
  active.slots[worker] = ours ? slot : -1;
  active.last_worker = std::max(active.last_worker, worker);
  if (active.counted && !Has(SeededBug::kUnfair)) queue_.CountSlots(active.submitter, 1);
  if (active.counted && options_.observer != nullptr) options_.observer->OnHeld(active.submitter, id, attempt, worker);
}

std::chrono::milliseconds Scheduler::Backoff(int lost) {
  auto longest = std::min(options_.longest_backoff, options_.first_backoff * (int64_t{1} << std::clamp(lost - 1, 0, 20)));
  auto half = longest / 2;
  return half + std::chrono::milliseconds(random_() % static_cast<uint64_t>(std::max<int64_t>(1, (longest - half).count()) + 1));
}

void Scheduler::Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions) {
  ++task.info.lost;
  if (task.info.lost >= options_.max_lost && !Has(SeededBug::kRetryForever)) {
    actions->push_back(FinishAction{task.info.id, task.info.attempt, TaskState::kFailed, end.reason.empty() ? "WORKER_LOST" : end.reason,
                                    fmt::format("{}; given up after {} attempts", end.message, task.info.lost)});
    return Drop(task);
  }
  actions->push_back(RequeueAction{task.info.id, task.info.attempt, true,
                                   fmt::format("{}; attempt {} of {} follows", end.message, task.info.lost + 1, options_.max_lost)});
  CountPending(task.info.submitter, 1);
  Wait(task, Has(SeededBug::kNoBackoff) ? now : now + Backoff(task.info.lost), now);
}

void Scheduler::ReleaseAll(const Attempt& attempt, Active& active, std::vector<Action>* actions) {
  for (const auto& [worker, slot] : active.slots) {
    if (worker == 0 || !active.releasing.insert(worker).second) continue;
    ++releasing_;
    actions->push_back(ReleaseAction{attempt.first, attempt.second, worker});
  }
}

// Its lead is gone, or its task is: it does not grow any more, and its assistants go.
void Scheduler::EndAttempt(std::map<Attempt, Active>::iterator at, std::vector<Action>* actions) {
  at->second.current = false;
  elastic_.erase(at->first);
  ReleaseAll(at->first, at->second, actions);
}

std::vector<Action> Scheduler::Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now) {
  std::vector<Action> actions;
  auto worker = active_.find({id, attempt});
  if (worker == active_.end() || !worker->second.slots.contains(0)) return actions;
  if (options_.observer != nullptr) options_.observer->OnEnded(id, attempt, 0, end.kind != AttemptEnd::Kind::kNotStarted);
  Active& active = worker->second;
  bool interrupted = active.interrupted, current = active.current;
  GiveSlot(active, 0);
  if (active.counted) queue_.CountRunning(active.submitter, -1);
  EndAttempt(worker, &actions);
  if (active.slots.empty()) active_.erase(worker);

  auto found = tasks_.find(id);
  if (current && found != tasks_.end()) {
    Task& task = found->second;
    bool done = end.kind == AttemptEnd::Kind::kDone;
    if (task.overdue && !done) {
      actions.push_back(FinishAction{id, attempt, TaskState::kFailed, "DEADLINE", "its deadline passed before it had a result"});
      Drop(task);
    } else if (end.kind == AttemptEnd::Kind::kNotStarted) {
      actions.push_back(RequeueAction{id, attempt, false, "the service ended before it started a worker"});
      CountPending(task.info.submitter, 1);
      Wait(task, std::nullopt, now);
    } else if (interrupted && !done) {
      actions.push_back(RequeueAction{id, attempt, false, drained_ ? kStoppedByDrain : "the service was stopped"});
      CountPending(task.info.submitter, 1);
      Wait(task, std::nullopt, now);
    } else if (end.kind == AttemptEnd::Kind::kLost) {
      Retry(task, end, now, &actions);
    } else {
      actions.push_back(FinishAction{id, attempt, done ? TaskState::kDone : TaskState::kFailed, end.reason, end.message});
      Drop(task);
    }
  }
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::AssistantExited(const std::string& id, int attempt, int worker, SteadyTime now) {
  std::vector<Action> actions;
  auto at = active_.find({id, attempt});
  if (at == active_.end() || worker < 1 || !at->second.slots.contains(worker)) return actions;
  if (options_.observer != nullptr) options_.observer->OnEnded(id, attempt, worker, true);
  if (!at->second.releasing.contains(worker)) ++at->second.lost_assistants;
  GiveSlot(at->second, worker);
  if (at->second.slots.empty()) active_.erase(at);
  Dispatch(now, &actions);
  return actions;
}

FinishAction Scheduler::Cancelled(const std::string& id, int attempt) {
  return {id, attempt, TaskState::kCancelled, "CANCELLED", "cancelled on request"};
}

std::vector<Action> Scheduler::Cancel(const std::string& id, SteadyTime now) {
  std::vector<Action> actions;
  auto found = tasks_.find(id);
  if (found == tasks_.end()) return actions;
  Task& task = found->second;
  actions.push_back(Cancelled(id, task.info.attempt));
  if (task.phase == Phase::kRunning) {
    actions.push_back(StopAction{id, task.info.attempt});
    EndAttempt(active_.find({id, task.info.attempt}), &actions);
  }
  Drop(task);
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::Tick(SteadyTime now) {
  std::vector<Action> actions;
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::SetDispatching(Dispatching dispatching, SteadyTime now) {
  if (dispatching_ != Dispatching::kDraining) dispatching_ = dispatching;
  return Tick(now);
}

std::vector<Action> Scheduler::StopAll() {
  drained_ = dispatching_ == Dispatching::kDraining;
  dispatching_ = Dispatching::kDraining;
  std::vector<Action> actions;
  for (auto& [attempt, active] : active_) {
    active.interrupted = true;
    if (active.slots.contains(0)) actions.push_back(StopAction{attempt.first, attempt.second});
    ReleaseAll(attempt, active, &actions);
  }
  return actions;
}

void Scheduler::Expire(SteadyTime now, std::vector<Action>* actions) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Task& task = tasks_.at(timers_.begin()->second);
    SetTimer(task, std::nullopt);
    if (task.phase == Phase::kRunning) {
      task.overdue = true;
      actions->push_back(StopAction{task.info.id, task.info.attempt});
    } else if (!Has(SeededBug::kMissDeadline)) {
      actions->push_back(FinishAction{task.info.id, task.info.attempt, TaskState::kFailed, "DEADLINE", "its deadline passed while it waited"});
      Drop(task);
    }
  }
}

void Scheduler::Dispatch(SteadyTime now, std::vector<Action>* actions) {
  Expire(now, actions);
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    Task& task = tasks_.at(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    Wait(task, std::nullopt, now);
  }
  if (dispatching_ != Dispatching::kOn) return;
  if (!Has(SeededBug::kNoAge)) queue_.Age(now);
  while (!free_.empty()) {
    auto best = queue_.Best();
    if (Grow(best && !Has(SeededBug::kGrowFirst) ? best->task_class : PendingQueue::kClasses + 1, actions)) continue;
    if (!best) break;
    Start(*best, now, actions);
  }
  Reclaim(actions);
}

void Scheduler::Start(const PendingQueue::Head& head, SteadyTime now, std::vector<Action>* actions) {
  Task& task = tasks_.at(head.task->id);
  if (options_.observer != nullptr) options_.observer->BeforeStart(*this, task.info, now);
  queue_.Remove(task.info);
  task.phase = Phase::kRunning;
  CountPending(task.info.submitter, -1);
  SetTimer(task, task.info.deadline ? std::optional(std::max(now, *task.info.deadline) + options_.deadline_grace) : std::nullopt);
  ++task.info.attempt;
  Attempt attempt(task.info.id, task.info.attempt);
  Active& active = active_[attempt];
  active.submitter = task.info.submitter;
  active.counted = active.current = true;
  active.task_class = head.task_class;
  active.wanted = task.info.workers;
  if (active.wanted > 1) elastic_.insert(attempt);
  queue_.CountRunning(active.submitter, 1);
  actions->push_back(StartAction{attempt.first, attempt.second, TakeSlot(active, 0)});
  if (options_.observer != nullptr) options_.observer->OnHeld(active.submitter, attempt.first, attempt.second, 0);
}

int Scheduler::Most(int wanted) const { return std::max(1, std::min({wanted, options_.max_workers_per_task, total_slots_})); }

// Gives a free slot to a running task of a better class than `below_class`: the best class, the submitter with the fewest slots, the task with
// the fewest workers.
bool Scheduler::Grow(int below_class, std::vector<Action>* actions) {
  if (options_.max_workers_per_task <= 1) return false;
  const Attempt* chosen = nullptr;
  std::tuple<int, int, size_t> least;
  for (const Attempt& attempt : elastic_) {
    const Active& active = active_.at(attempt);
    bool may = active.task_class < below_class && static_cast<int>(active.slots.size()) < Most(active.wanted) && !active.interrupted &&
               active.lost_assistants < options_.max_lost && !tasks_.at(attempt.first).overdue;
    std::tuple key(active.task_class, queue_.slots(active.submitter), active.slots.size());
    if (may && (chosen == nullptr || key < least)) {
      chosen = &attempt;
      least = key;
    }
  }
  if (chosen == nullptr) return false;
  Active& active = active_.at(*chosen);
  int worker = ++active.last_worker;
  if (options_.observer != nullptr) {
    options_.observer->BeforeGrow(*this, chosen->first, active.task_class);
    options_.observer->OnHeld(active.submitter, chosen->first, chosen->second, worker);
  }
  actions->push_back(AssistAction{chosen->first, chosen->second, worker, TakeSlot(active, worker)});
  return true;
}

// Takes assistants from running tasks for pending ones of their class or a better one: the worst class, the submitter with the most slots, the
// task with the most workers first.
void Scheduler::Reclaim(std::vector<Action>* actions) {
  while (free_.empty() && !elastic_.empty()) {
    const Attempt* chosen = nullptr;
    std::tuple<int, int, size_t> most;
    for (const Attempt& attempt : elastic_) {
      const Active& active = active_.at(attempt);
      size_t assistants = active.slots.size() - active.slots.count(0) - active.releasing.size();
      std::tuple key(active.task_class, queue_.slots(active.submitter), assistants);
      if (assistants > 0 && queue_.CountUpTo(active.task_class) > releasing_ && (chosen == nullptr || key > most)) {
        chosen = &attempt;
        most = key;
      }
    }
    if (chosen == nullptr) return;
    Active& active = active_.at(*chosen);
    for (auto worker = active.slots.rbegin(); worker != active.slots.rend(); ++worker) {
      if (!active.releasing.insert(worker->first).second) continue;
      ++releasing_;
      actions->push_back(ReleaseAction{chosen->first, chosen->second, worker->first});
      break;
    }
  }
}

bool Scheduler::HasLead(const std::string& id, int attempt) const {
  auto found = active_.find({id, attempt});
  return found != active_.end() && found->second.slots.contains(0);
}

std::optional<SteadyTime> Scheduler::next_tick() const {
  std::optional<SteadyTime> next;
  if (!waiting_.empty() && !Has(SeededBug::kLoseWakeUp)) next = waiting_.begin()->first;
  if (!timers_.empty() && (!next || timers_.begin()->first < *next)) next = timers_.begin()->first;
  return next;
}

}  // namespace ns
