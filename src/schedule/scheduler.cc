#include "schedule/scheduler.h"

#include <algorithm>

#include "base/status.h"
#include "tasks/attempt_outcome.h"

namespace ns {

Scheduler::Scheduler(const Options& options) : options_(options), random_(options.seed), queue_(options.queue) {}

std::vector<Action> Scheduler::AddNode(int64_t node, int slots, SteadyTime now) {
  NS_CHECK(slots >= 1 && slots <= kMaxSlotsOfNode && !UseOf(node), "{} slots, node {}", slots, node);
  nodes_[node] = {slots, false};
  return SetNodeUp(node, true, now);
}

std::vector<Action> Scheduler::SetNodeUp(int64_t node, bool up, SteadyTime now) {
  std::vector<Action> actions;
  auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.up == up) return actions;
  found->second.up = up;
  total_slots_ += up ? found->second.slots : -found->second.slots;
  free_.erase(free_.lower_bound(SlotOf(node, 0)), free_.lower_bound(SlotOf(node + 1, 0)));
  for (int index = 0; up && index < found->second.slots; ++index) {
    if (!busy_.contains(SlotOf(node, index))) free_.insert(SlotOf(node, index));
  }
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::RemoveNode(int64_t node, SteadyTime now) {
  std::vector<Action> actions = SetNodeUp(node, false, now);
  if (nodes_.erase(node) == 0) return actions;
  for (auto& [id, team] : teams_) {
    for (auto& [fence, assistant] : team.assistants) {
      if (assistant.slot >= SlotOf(node, 0) && assistant.slot < SlotOf(node + 1, 0)) Release(team, assistant, &actions);
    }
  }
  return actions;
}

std::optional<Scheduler::NodeUse> Scheduler::UseOf(int64_t node) const {
  auto count = [&](const auto& slots) {
    return static_cast<int>(std::distance(slots.lower_bound(SlotOf(node, 0)), slots.lower_bound(SlotOf(node + 1, 0))));
  };
  NodeUse use{count(free_), count(busy_)};
  if (!nodes_.contains(node) && use.busy == 0) return std::nullopt;
  return use;
}

int Scheduler::TakeSlot() {
  int slot = *free_.begin();
  free_.erase(free_.begin());
  busy_[slot] = 1;
  return slot;
}

void Scheduler::GiveSlot(int slot) {
  auto busy = busy_.find(slot);
  if (busy == busy_.end() || (--busy->second > 0 && !Has(SeededBug::kFreeHeldTwice))) return;
  busy_.erase(busy);
  auto node = nodes_.find(slot / kMaxSlotsOfNode);
  if (node != nodes_.end() && node->second.up) free_.insert(slot);
}

// False: it is not there today.
bool Scheduler::HoldSlot(int slot) {
  bool ours = free_.erase(slot) > 0 || busy_.contains(slot);
  if (ours) ++busy_[slot];
  return ours;
}

void Scheduler::CountSlot(const std::string& submitter, int change) {
  if (!Has(SeededBug::kUnfair)) queue_.CountSlots(submitter, change);
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

void Scheduler::Drop(Task& task, std::vector<Action>* actions) {
  StopTeam(task.info.id, actions);
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
  leads_[{info.id, info.attempt}] = {info.submitter, true, true, false, HoldSlot(slot) ? slot : -1};
  queue_.CountRunning(info.submitter, 1);
  CountSlot(info.submitter, 1);
  LeadTeam(task, std::clamp(info.priority, 1, PendingQueue::kClasses));
  if (options_.observer != nullptr) options_.observer->OnHeld(info.submitter, {info.id, 0, info.attempt});
}

bool Scheduler::Hold(const WorkerId& worker, int slot) {
  int held = HoldSlot(slot) ? slot : -1;
  if (worker.lead()) {
    leads_[{worker.task_id, worker.fence}].slot = held;
    return false;
  }
  Roster& team = teams_[worker.task_id];
  team.id = worker.task_id;
  team.Take(worker.worker);
  team.assistants[worker.fence] = {worker.worker, held, team.led, !team.led};
  ++assistants_;
  if (!team.led) {
    ++team.releasing;
    ++releasing_;
    return false;
  }
  CountSlot(team.submitter, 1);
  if (options_.observer != nullptr) options_.observer->OnHeld(team.submitter, worker);
  return true;
}

std::chrono::milliseconds Scheduler::Backoff(int lost) {
  auto longest = std::min(options_.longest_backoff, options_.first_backoff * (int64_t{1} << std::clamp(lost - 1, 0, 20)));
  auto half = longest / 2;
  return half + std::chrono::milliseconds(random_() % static_cast<uint64_t>(std::max<int64_t>(1, (longest - half).count()) + 1));
}

// It waits again.
void Scheduler::PutBack(Task& task, std::optional<SteadyTime> not_before, SteadyTime now) {
  CountPending(task.info.submitter, 1);
  Wait(task, not_before, now);
  LetTeamWait(task.info.id, not_before.value_or(now) + options_.team_patience);
}

void Scheduler::Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions) {
  ++task.info.lost;
  if (task.info.lost >= options_.max_lost && !Has(SeededBug::kRetryForever)) {
    actions->push_back(FinishAction{task.info.id, task.info.attempt, TaskState::kFailed, end.reason.empty() ? "WORKER_LOST" : end.reason,
                                    fmt::format("{}; given up after {} attempts", end.message, task.info.lost)});
    return Drop(task, actions);
  }
  actions->push_back(RequeueAction{task.info.id, task.info.attempt, true,
                                   fmt::format("{}; attempt {} of {} follows", end.message, task.info.lost + 1, options_.max_lost)});
  PutBack(task, Has(SeededBug::kNoBackoff) ? now : now + Backoff(task.info.lost), now);
}

std::vector<Action> Scheduler::Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now) {
  std::vector<Action> actions;
  auto at = leads_.find({id, attempt});
  if (at == leads_.end()) return actions;
  const Lead lead = at->second;
  leads_.erase(at);
  if (options_.observer != nullptr) options_.observer->OnEnded({id, 0, attempt}, end.kind != AttemptEnd::Kind::kNotStarted, end.kind == AttemptEnd::Kind::kLost);
  if (!(Has(SeededBug::kForgetSlot) && !lead.current)) GiveSlot(lead.slot);
  if (lead.counted) {
    CountSlot(lead.submitter, -1);
    queue_.CountRunning(lead.submitter, -1);
  }
  auto found = tasks_.find(id);
  if (lead.current && found != tasks_.end()) LeadEnded(found->second, lead.interrupted, end, now, &actions);
  Dispatch(now, &actions);
  return actions;
}

void Scheduler::LeadEnded(Task& task, bool interrupted, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions) {
  const std::string id = task.info.id;
  const int attempt = task.info.attempt;
  bool done = end.kind == AttemptEnd::Kind::kDone;
  if (task.overdue && !done) {
    actions->push_back(FinishAction{id, attempt, TaskState::kFailed, "DEADLINE", "its deadline passed before it had a result"});
    Drop(task, actions);
  } else if (end.kind == AttemptEnd::Kind::kNotStarted) {
    actions->push_back(RequeueAction{id, attempt, false, "the service ended before it started a worker"});
    PutBack(task, std::nullopt, now);
  } else if (interrupted && !done) {
    actions->push_back(RequeueAction{id, attempt, false, drained_ ? kStoppedByDrain : "the service was stopped"});
    PutBack(task, std::nullopt, now);
  } else if (end.kind == AttemptEnd::Kind::kLost) {
    Retry(task, end, now, actions);
  } else {
    actions->push_back(FinishAction{id, attempt, done ? TaskState::kDone : TaskState::kFailed, end.reason, end.message});
    Drop(task, actions);
  }
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
    leads_.at({id, task.info.attempt}).current = false;
  }
  Drop(task, &actions);
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::Tick(SteadyTime now) {
  std::vector<Action> actions;
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::TakeUp(bool taking, SteadyTime now) {
  taking_up_ = taking;
  return Tick(now);
}

std::vector<Action> Scheduler::SetDispatching(Dispatching dispatching, SteadyTime now) {
  if (dispatching_ != Dispatching::kDraining) dispatching_ = dispatching;
  return Tick(now);
}

std::vector<Action> Scheduler::StopAll() {
  drained_ = dispatching_ == Dispatching::kDraining;
  dispatching_ = Dispatching::kDraining;
  std::vector<Action> actions;
  for (auto& [attempt, lead] : leads_) {
    lead.interrupted = true;
    actions.push_back(StopAction{attempt.first, attempt.second});
  }
  std::vector<std::string> teams;
  for (const auto& [id, team] : teams_) teams.push_back(id);
  for (const std::string& id : teams) StopTeam(id, &actions);
  return actions;
}

void Scheduler::Expire(SteadyTime now, std::vector<Action>* actions) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Task& task = tasks_.at(timers_.begin()->second);
    SetTimer(task, std::nullopt);
    if (task.phase == Phase::kRunning) {
      task.overdue = true;
      actions->push_back(StopAction{task.info.id, task.info.attempt});
      StopTeam(task.info.id, actions);
    } else if (!Has(SeededBug::kMissDeadline)) {
      actions->push_back(FinishAction{task.info.id, task.info.attempt, TaskState::kFailed, "DEADLINE", "its deadline passed while it waited"});
      Drop(task, actions);
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
  ExpireTeams(now, actions);
  if (dispatching_ != Dispatching::kOn || taking_up_) return;
  if (!Has(SeededBug::kNoAge)) queue_.Age(now);
  while (!free_.empty()) {
    auto best = queue_.Best();
    if (Grow(best && !Has(SeededBug::kGrowFirst) ? best->task_class : PendingQueue::kClasses + 1, actions)) continue;
    if (!best) break;
    Start(*best, now, actions);
  }
  Reclaim(actions);
  Balance(actions);
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
  int slot = TakeSlot();
  leads_[attempt] = {task.info.submitter, true, true, false, slot};
  queue_.CountRunning(task.info.submitter, 1);
  CountSlot(task.info.submitter, 1);
  LeadTeam(task, head.task_class);
  actions->push_back(StartAction{attempt.first, attempt.second, slot});
  if (options_.observer != nullptr) options_.observer->OnHeld(task.info.submitter, {attempt.first, 0, attempt.second});
}

bool Scheduler::HasLead(const std::string& id, int attempt) const { return leads_.contains({id, attempt}); }

int Scheduler::running() const { return static_cast<int>(leads_.size()) + assistants_; }

std::optional<SteadyTime> Scheduler::next_tick() const {
  std::optional<SteadyTime> next;
  auto take = [&](const auto& times) {
    if (!times.empty() && (!next || times.begin()->first < *next)) next = times.begin()->first;
  };
  if (!Has(SeededBug::kLoseWakeUp)) take(waiting_);
  take(timers_);
  take(team_timers_);
  return next;
}

}  // namespace ns
