// Assistants: which running task gets one, and which gives one back.
#include <algorithm>

#include "base/status.h"
#include "schedule/scheduler.h"

namespace ns {

int Scheduler::Most(const PendingTask& task) const {
  return task.alone ? 1 : std::max(1, std::min({task.workers, options_.max_workers_per_task, total_slots_}));
}

// Assistants that its lead could use.
int Scheduler::Wanted(const Roster& team) const {
  auto task = tasks_.find(team.id);
  if (!team.led || task == tasks_.end()) return 0;
  return std::max(0, std::min(Most(task->second.info), Has(SeededBug::kIgnoreSurplus) ? INT_MAX : team.useful) - 1);
}

void Scheduler::LeadTeam(const Task& task, int task_class) {
  if (task.info.workers <= 1 || task.info.alone || options_.max_workers_per_task <= 1) return;
  Roster& team = teams_[task.info.id];
  team.id = task.info.id;
  team.submitter = task.info.submitter;
  team.led = true;
  team.task_class = task_class;
  team.useful = INT_MAX;
  team.give_up.reset();
  SetTeamTimer(team);
}

void Scheduler::SetTeamTimer(Roster& team) {
  auto next = team.next();
  if (next == team.timer) return;
  if (team.timer) team_timers_.erase({*team.timer, team.id});
  if (next) team_timers_.emplace(*next, team.id);
  team.timer = next;
}

Scheduler::TeamKey Scheduler::KeyOf(const Roster& team) const { return {team.task_class, queue_.slots(team.submitter), team.size()}; }

// Of those that may have one more and are of a better class than `below_class`: the best class, the submitter with the fewest slots, the
// task with the fewest workers.
Roster* Scheduler::FewestWorkers(int below_class) {
  Roster* chosen = nullptr;
  for (auto& [id, team] : teams_) {
    if (team.task_class >= below_class || team.taken() >= Wanted(team)) continue;
    if (chosen == nullptr || KeyOf(team) < KeyOf(*chosen)) chosen = &team;
  }
  return chosen;
}

bool Scheduler::Grow(int below_class, std::vector<Action>* actions) {
  Roster* team = FewestWorkers(below_class);
  if (team == nullptr) return false;
  PendingTask& task = tasks_.at(team->id).info;
  WorkerId id{team->id, team->TakeNumber(), ++task.assistants};
  if (options_.observer != nullptr) {
    options_.observer->BeforeGrow(*this, id, team->task_class);
    options_.observer->OnHeld(team->submitter, id);
  }
  int slot = Has(SeededBug::kTwoOnASlot) ? *free_.begin() : TakeSlot();
  team->assistants[id.fence] = {id.worker, slot, true, false};
  ++assistants_;
  CountSlot(team->submitter, 1);
  actions->push_back(AssistAction{id, slot});
  return true;
}

void Scheduler::Release(Roster& team, Roster::Assistant& assistant, std::vector<Action>* actions) {
  if (assistant.releasing) return;
  auto at = std::find_if(team.assistants.begin(), team.assistants.end(), [&](const auto& entry) { return &entry.second == &assistant; });
  assistant.releasing = true;
  ++team.releasing;
  ++releasing_;
  WorkerId id{team.id, assistant.worker, at->first};
  if (options_.observer != nullptr) options_.observer->OnReleased(id);
  actions->push_back(ReleaseAction{std::move(id)});
}

void Scheduler::ReleaseNewest(Roster& team, std::vector<Action>* actions) {
  for (auto at = team.assistants.rbegin(); at != team.assistants.rend(); ++at) {
    if (!at->second.releasing) return Release(team, at->second, actions);
  }
}

void Scheduler::ReleaseSurplus(Roster& team, std::vector<Action>* actions) {
  while (team.led && team.size() - team.releasing > Wanted(team)) ReleaseNewest(team, actions);
}

// Takes assistants from tasks for pending ones of their class or a better one: the worst class, the submitter with the most slots, the task with
// the most workers first.
void Scheduler::Reclaim(std::vector<Action>* actions) {
  while (free_.empty() && releasing_ < assistants_ && !Has(SeededBug::kNoReclaim)) {
    Roster* chosen = nullptr;
    for (auto& [id, team] : teams_) {
      if (team.size() == team.releasing || queue_.CountUpTo(team.task_class) <= releasing_) continue;
      if (chosen == nullptr || KeyOf(team) > KeyOf(*chosen)) chosen = &team;
    }
    if (chosen == nullptr) return;
    ReleaseNewest(*chosen, actions);
  }
}

// Where nothing is free and nothing on its way: from a running task to one of a better class, or to one whose submitter, or which itself, has
// at least two workers fewer.
void Scheduler::Balance(std::vector<Action>* actions) {
  if (!free_.empty() || releasing_ > 0 || assistants_ == 0) return;
  Roster* taker = FewestWorkers(PendingQueue::kClasses + 1);
  if (taker == nullptr) return;
  Roster* giver = nullptr;
  for (auto& [id, team] : teams_) {
    if (&team == taker || team.size() == 0 || team.task_class < taker->task_class) continue;
    bool own = team.submitter == taker->submitter;
    int more = own ? team.size() - taker->size() : queue_.slots(team.submitter) - queue_.slots(taker->submitter);
    if (team.task_class == taker->task_class && more < 2) continue;
    if (giver == nullptr || KeyOf(team) > KeyOf(*giver)) giver = &team;
  }
  if (giver != nullptr) ReleaseNewest(*giver, actions);
}

void Scheduler::StopTeam(const std::string& id, std::vector<Action>* actions) {
  auto found = teams_.find(id);
  if (found == teams_.end()) return;
  Roster& team = found->second;
  team.led = false;
  team.give_up.reset();
  if (!Has(SeededBug::kKeepAssistants)) {
    for (auto& [fence, assistant] : team.assistants) Release(team, assistant, actions);
  }
  SetTeamTimer(team);
  DropTeam(team);
}

void Scheduler::LetTeamWait(const std::string& id, SteadyTime patience) {
  auto found = teams_.find(id);
  if (found == teams_.end()) return;
  found->second.led = false;
  found->second.give_up = patience;
  SetTeamTimer(found->second);
}

// One that has no lead and no assistants is forgotten; of a task that waits for its next lead it remembers what was lost.
void Scheduler::DropTeam(Roster& team) {
  if (team.led || team.give_up || team.size() > 0) return;
  if (team.timer) team_timers_.erase({*team.timer, team.id});
  teams_.erase(std::string(team.id));
}

void Scheduler::ExpireTeams(SteadyTime now, std::vector<Action>* actions) {
  while (!team_timers_.empty() && team_timers_.begin()->first <= now) {
    Roster& team = teams_.at(team_timers_.begin()->second);
    team.Wake(now);
    if (team.give_up && *team.give_up <= now) {
      StopTeam(std::string(team.id), actions);
    } else {
      SetTeamTimer(team);
    }
  }
}

std::vector<Action> Scheduler::AssistantExited(const WorkerId& id, AssistantEnd end, SteadyTime now) {
  std::vector<Action> actions;
  auto found = teams_.find(id.task_id);
  if (found == teams_.end() || !found->second.assistants.contains(id.fence)) return actions;
  Roster& team = found->second;
  Roster::Assistant assistant = team.assistants.at(id.fence);
  team.assistants.erase(id.fence);
  --assistants_;
  if (assistant.releasing) --team.releasing, --releasing_;
  if (assistant.counted) CountSlot(team.submitter, -1);
  GiveSlot(assistant.slot);
  bool lost = end == AssistantEnd::kLost && !assistant.releasing;
  if (options_.observer != nullptr) options_.observer->OnEnded(id, end != AssistantEnd::kNotStarted, lost);
  if (Has(SeededBug::kRestartAtOnce) || assistant.releasing) {
    team.Free(id.worker);
  } else if (!lost) {
    team.Rest(id.worker, now + (end == AssistantEnd::kSentAway ? options_.longest_backoff : options_.first_backoff));
  } else if (int losses = team.Lost(id.worker); losses < options_.max_lost) {
    team.Rest(id.worker, now + Backoff(losses));
  } else {
    team.Retire();
  }
  SetTeamTimer(team);
  DropTeam(team);
  Dispatch(now, &actions);
  return actions;
}

std::vector<Action> Scheduler::Useful(const std::string& id, int attempt, int useful, SteadyTime now) {
  std::vector<Action> actions;
  auto found = teams_.find(id);
  auto lead = leads_.find({id, attempt});
  if (found == teams_.end() || lead == leads_.end() || !lead->second.current) return actions;
  found->second.useful = std::max(1, useful);
  ReleaseSurplus(found->second, &actions);
  Dispatch(now, &actions);
  return actions;
}

}  // namespace ns
