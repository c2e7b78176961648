#include "schedule/scheduler.h"

#include <algorithm>

#include "base/status.h"

namespace ns {

Scheduler::Scheduler(const Options& options) : options_(options) {}

std::vector<Action> Scheduler::AddNode(int64_t node, int slots, SteadyTime now) {
  NS_CHECK(slots >= 1 && slots <= kMaxSlotsOfNode && !UseOf(node), "{} slots, node {}", slots, node);
  nodes_[node] = slots;
  for (int index = 0; index < slots; ++index) free_.insert(SlotOf(node, index));
  std::vector<Action> actions;
  Dispatch(now, &actions);
  return actions;
}

void Scheduler::RemoveNode(int64_t node) {
  nodes_.erase(node);
  free_.erase(free_.lower_bound(SlotOf(node, 0)), free_.lower_bound(SlotOf(node + 1, 0)));
}

std::optional<Scheduler::NodeUse> Scheduler::UseOf(int64_t node) const {
  auto count = [&](const std::set<int>& slots) {
    return static_cast<int>(std::distance(slots.lower_bound(SlotOf(node, 0)), slots.lower_bound(SlotOf(node + 1, 0))));
  };
  NodeUse use{count(free_), count(busy_)};
  if (!nodes_.contains(node) && use.busy == 0) return std::nullopt;
  return use;
}

void Scheduler::Queue(Task& task, std::optional<SteadyTime> not_before) {
  if (task.running) --running_tasks_;
  task.running = false;
  task.not_before = not_before;
  if (not_before) {
    waiting_.emplace(*not_before, task.info.id);
  } else {
    ready_.insert(KeyOf(task.info));
  }
}

void Scheduler::Release(int slot) {
  if (busy_.erase(slot) > 0 && nodes_.contains(slot / kMaxSlotsOfNode)) free_.insert(slot);
}

std::vector<Action> Scheduler::Submit(const PendingTask& info, SteadyTime now) {
  std::vector<Action> actions;
  auto [at, added] = tasks_.emplace(info.id, Task{info, false, std::nullopt});
  if (!added) return actions;
  Queue(at->second, std::nullopt);
  Dispatch(now, &actions);
  return actions;
}

void Scheduler::Adopt(const PendingTask& info, int slot) {
  tasks_[info.id] = Task{info, true, std::nullopt};
  ++running_tasks_;
  Hold(info.id, info.attempt, slot);
}

void Scheduler::Hold(const std::string& id, int attempt, int slot) {
  bool ours = free_.erase(slot) > 0;
  if (ours) busy_.insert(slot);
  active_[{id, attempt}] = Active{attempt, ours ? slot : -1, false};
}

void Scheduler::Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions) {
  ++task.info.lost;
  const std::string id = task.info.id;
  if (task.info.lost >= options_.max_lost) {
    actions->push_back(FinishAction{id, task.info.attempt, TaskState::kFailed, end.reason.empty() ? "WORKER_LOST" : end.reason,
                                    fmt::format("{}; given up after {} attempts", end.message, task.info.lost)});
    --running_tasks_;
    tasks_.erase(id);
    return;
  }
  auto wait = std::min(options_.longest_backoff, options_.first_backoff * (int64_t{1} << std::min(task.info.lost - 1, 20)));
  actions->push_back(RequeueAction{id, task.info.attempt, true,
                                   fmt::format("{}; attempt {} of {} follows", end.message, task.info.lost + 1, options_.max_lost)});
  Queue(task, now + wait);
}

std::vector<Action> Scheduler::Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now) {
  std::vector<Action> actions;
  auto worker = active_.find({id, attempt});
  if (worker == active_.end()) return actions;
  bool interrupted = worker->second.interrupted;
  Release(worker->second.slot);
  active_.erase(worker);

  auto found = tasks_.find(id);
  bool current = found != tasks_.end() && found->second.running && found->second.info.attempt == attempt;
  if (current && end.kind != AttemptEnd::Kind::kDone && interrupted) {
    actions.push_back(RequeueAction{id, attempt, false, "the service was stopped"});
    Queue(found->second, std::nullopt);
  } else if (current && end.kind == AttemptEnd::Kind::kLost) {
    Retry(found->second, end, now, &actions);
  } else if (current) {
    TaskState state = end.kind == AttemptEnd::Kind::kDone ? TaskState::kDone : TaskState::kFailed;
    actions.push_back(FinishAction{id, attempt, state, end.reason, end.message});
    --running_tasks_;
    tasks_.erase(found);
  }
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::Cancel(const std::string& id, SteadyTime now) {
  std::vector<Action> actions;
  auto found = tasks_.find(id);
  if (found == tasks_.end()) return actions;
  Task& task = found->second;
  actions.push_back(FinishAction{id, task.info.attempt, TaskState::kCancelled, "CANCELLED", "cancelled on request"});
  if (task.running) {
    --running_tasks_;
    actions.push_back(StopAction{id, task.info.attempt});
  }
  ready_.erase(KeyOf(task.info));
  std::erase_if(waiting_, [&](const auto& entry) { return entry.second == id; });
  tasks_.erase(found);
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::Tick(SteadyTime now) {
  std::vector<Action> actions;
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    Task& task = tasks_.at(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    Queue(task, std::nullopt);
  }
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::SetDispatching(bool on, SteadyTime now) {
  dispatching_ = on;
  return Tick(now);
}

std::vector<Action> Scheduler::StopAll() {
  dispatching_ = false;
  std::vector<Action> actions;
  for (auto& [key, worker] : active_) {
    worker.interrupted = true;
    actions.push_back(StopAction{key.first, worker.attempt});
  }
  return actions;
}

void Scheduler::Dispatch(SteadyTime, std::vector<Action>* actions) {
  while (dispatching_ && !free_.empty() && !ready_.empty()) {
    Task& task = tasks_.at(std::get<2>(*ready_.begin()));
    ready_.erase(ready_.begin());
    int slot = *free_.begin();
    free_.erase(free_.begin());
    busy_.insert(slot);
    task.running = true;
    ++running_tasks_;
    ++task.info.attempt;
    active_[{task.info.id, task.info.attempt}] = Active{task.info.attempt, slot, false};
    actions->push_back(StartAction{task.info.id, task.info.attempt, slot});
  }
}

std::optional<SteadyTime> Scheduler::next_tick() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

int64_t Scheduler::Ahead(const std::string& id) const {
  auto found = tasks_.find(id);
  if (found == tasks_.end() || found->second.running) return -1;
  auto place = ready_.lower_bound(KeyOf(found->second.info));
  return std::distance(ready_.begin(), place);
}

}  // namespace ns
