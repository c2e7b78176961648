// Which task runs when, on which slots: a pure state machine, (event, now) -> actions. No clock, thread or I/O of its own, so that the same
// code runs in the service and in a seeded simulation. docs/design/scheduling.md says the rules in one page.
//
// A slot runs one worker; slots come and go with their nodes. Pending tasks start in the order of pending_queue.h, each on one slot, where
// its lead runs. A running task that asked for more workers grows by assistants, to as many as its lead has use for, on slots for which no
// pending task of its class or a better one waits; when such a task comes, an assistant is released for it. So a task that wants everything
// keeps nobody waiting. Assistants move from running tasks that have more to ones that have fewer, too.
//
// A task whose lead was lost (killed by a signal, gone without a word) waits a random while and is tried again, `max_lost` lost attempts in
// all; its assistants stay meanwhile, and work for the next lead. A worker that ended with a reason of its own fails its task at once. A task
// past its deadline fails when it still waits; when it runs its worker has been told the deadline, and is stopped after a grace. A lost
// assistant is started again after a random while, `max_lost` losses of each number in all, whatever becomes of the task.
//
// The caller carries out the actions in their order and tells each attempt's end with Exited(), each assistant's with AssistantExited(),
// exactly once. A slot is busy from its action until then, whatever happens to the task meanwhile.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "schedule/pending_queue.h"
#include "schedule/seeded_bug.h"
#include "schedule/roster.h"
#include "tasks/task_state.h"
#include "tasks/worker_id.h"

namespace ns {

// Start this attempt of a pending task on this slot: record it durably, then start its lead.
struct StartAction {
  std::string id;
  int attempt = 0;
  int slot = 0;
  bool operator==(const StartAction&) const = default;
};
// Start this assistant of a running task: record its slot durably, then start it.
struct AssistAction {
  WorkerId worker;
  int slot = 0;
  bool operator==(const AssistAction&) const = default;
};
// End this assistant; its task goes on, or has ended.
struct ReleaseAction {
  WorkerId worker;
  bool operator==(const ReleaseAction&) const = default;
};
// End the lead of this attempt, whole process group.
struct StopAction {
  std::string id;
  int attempt = 0;
  bool operator==(const StopAction&) const = default;
};
// Record that the task has ended.
struct FinishAction {
  std::string id;
  int attempt = 0;
  TaskState state = TaskState::kFailed;
  std::string reason, message;
  bool operator==(const FinishAction&) const = default;
};
// Record that the task waits again.
struct RequeueAction {
  std::string id;
  int attempt = 0;
  bool lost = false;
  std::string message;
  bool operator==(const RequeueAction&) const = default;
};
using Action = std::variant<StartAction, AssistAction, ReleaseAction, StopAction, FinishAction, RequeueAction>;

// How an attempt ended.
struct AttemptEnd {
  enum class Kind { kDone, kFailed, kLost, kNotStarted };  // the last: the service died before it started the worker
  Kind kind = Kind::kLost;
  std::string reason, message;  // of kFailed and kLost
};

// How an assistant ended: it was lost; its lead sent it away; the service died before it started it. What was released has no other end.
enum class AssistantEnd { kLost, kSentAway, kNotStarted };

// Whether pending tasks are started.
enum class Dispatching { kOn, kPaused, kDraining };

// Why a pending task waits.
struct WaitReason {
  std::string reason;   // stable, for programs: WAITS_FOR_SLOT, SUBMITTER_LIMIT, BACKING_OFF, NO_NODES, PAUSED or DRAINING
  std::string message;  // for people
  int64_t ahead = 0;    // pending tasks before it: PendingQueue::Ahead(); 0 while it backs off
};

// What a running task has of what it asked for.
struct WorkersOf {
  int asked = 1, now = 0;
  int most = 1;        // it may grow to so many
  std::optional<int> useful;  // its lead has work for so many, as far as it said so
  std::string why;     // why it has or gets less than it asked for; "": it does not
};

class Scheduler;

// Told of each decision before it is carried out, and of each slot's way: to check the rules from outside, in tests.
class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  virtual void BeforeStart(const Scheduler& scheduler, const PendingTask& task, SteadyTime now) = 0;
  virtual void BeforeGrow(const Scheduler& scheduler, const WorkerId& assistant, int task_class) = 0;
  virtual void OnHeld(const std::string& submitter, const WorkerId& worker) = 0;
  virtual void OnReleased(const WorkerId& assistant) = 0;
  virtual void OnEnded(const WorkerId& worker, bool started, bool lost) = 0;  // started: it had a process
};

class Scheduler {
 public:
  struct Options {
    int max_lost = 3;                              // the lost attempt that makes the task fail; of an assistant's number: that ends it
    std::chrono::milliseconds first_backoff{500};  // the longest wait after the first loss; doubles with each, the wait is its half at least
    std::chrono::milliseconds longest_backoff{10'000};
    std::chrono::milliseconds deadline_grace{30'000};
    std::chrono::milliseconds team_patience{10'000};  // how long assistants wait for the next lead beyond its backoff
    int max_workers_per_task = 1;                  // what the executor can give
    size_t most_known = 10'000;                    // pending tasks that it is told of while others wait behind them (backlog.h)
    PendingQueue::Options queue;
    uint64_t seed = 0;                             // of the backoffs' jitter
    SchedulerObserver* observer = nullptr;
    SeededBug bug = SeededBug::kNone;
  };
  explicit Scheduler(const Options& options);

  // The number of a node's slot: what StartAction names.
  static int SlotOf(int64_t node, int index) { return static_cast<int>(node) * kMaxSlotsOfNode + index; }
  static constexpr int kMaxSlotsOfNode = 4096;
  // A node with `slots` slots joins; its id was never used before.
  std::vector<Action> AddNode(int64_t node, int slots, SteadyTime now);
  // No worker is started there any more; assistants go elsewhere, leads run to their end, and its slots go with them.
  std::vector<Action> RemoveNode(int64_t node, SteadyTime now);
  // While a node is down no worker is started there; what becomes of those that run there is told as ever.
  std::vector<Action> SetNodeUp(int64_t node, bool up, SteadyTime now);
  struct NodeUse {
    int free = 0, busy = 0;  // none is free of a node that is down
  };
  // None: there is no such node, or it was removed and no worker is left on it.
  std::optional<NodeUse> UseOf(int64_t node) const;

  // Nothing for a task that is there already.
  std::vector<Action> Submit(const PendingTask& task, SteadyTime now);
  // After a restart: `task.attempt` runs already, on `slot`. One that is not there today is kept apart and never given again. Two may hold one
  // slot (the end of the first was not recorded yet when the second started): it is free when both have ended.
  void Adopt(const PendingTask& task, int slot);
  // After a restart: a worker that was not adopted still holds `slot` until its Exited() or AssistantExited(). True: an assistant that works for a
  // task that was adopted; false: one that is to be told to end.
  bool Hold(const WorkerId& worker, int slot);
  std::vector<Action> Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now);
  std::vector<Action> AssistantExited(const WorkerId& assistant, AssistantEnd end, SteadyTime now);
  // The lead of this attempt has work for so many workers, itself among them.
  std::vector<Action> Useful(const std::string& id, int attempt, int useful, SteadyTime now);
  // A pending task ends at once; a running one too, and its workers are stopped. Nothing for a task that is not there.
  std::vector<Action> Cancel(const std::string& id, SteadyTime now);
  // Time has passed: starts what had to wait, ends what is past its deadline.
  std::vector<Action> Tick(SteadyTime now);
  // While the caller takes up what an earlier service left nothing is started, so that all of it is known before.
  std::vector<Action> TakeUp(bool taking, SteadyTime now);
  // Once draining it stays so.
  std::vector<Action> SetDispatching(Dispatching dispatching, SteadyTime now);
  // Ends all workers; their tasks wait again without a mark against them, as stopped by drain where it drained already. Draining afterwards.
  std::vector<Action> StopAll();

  // When Tick() has something to do next; none: only when an event comes.
  std::optional<SteadyTime> next_tick() const;
  // True from its Start, Adopt() or Hold() until its lead's Exited().
  bool HasLead(const std::string& id, int attempt) const;
  // Workers that were not yet told to have ended.
  int running() const;
  int releasing() const { return releasing_; }  // assistants that were told to end
  int free_slots() const { return static_cast<int>(free_.size()); }
  int busy_slots() const { return static_cast<int>(busy_.size()); }
  int total_slots() const { return total_slots_; }
  int64_t PendingOf(const std::string& submitter) const;
  size_t pending() const { return queue_.size() + waiting_.size(); }
  const PendingQueue& queue() const { return queue_; }
  // None: it is not pending here. `more`: tasks before it that this does not know.
  std::optional<WaitReason> WhyWaits(const std::string& id, SteadyTime now, int64_t more = 0) const;
  // Of a task of this submitter that could start if `ahead` others had.
  WaitReason WhyWaitsBehind(const std::string& submitter, int64_t ahead) const;
  // What the cancellation of a pending task is recorded as.
  static FinishAction Cancelled(const std::string& id, int attempt);
  // None: it does not run.
  std::optional<WorkersOf> Workers(const std::string& id) const;

 private:
  enum class Phase { kReady, kBackingOff, kRunning };
  struct Task {
    PendingTask info;
    Phase phase = Phase::kReady;
    SteadyTime not_before;            // of kBackingOff
    bool overdue = false;             // stopped for its deadline
    std::optional<SteadyTime> timer;  // its entry in timers_
  };
  using Attempt = std::pair<std::string, int>;
  struct Lead {  // of an attempt whose worker was not yet told to have ended
    std::string submitter;
    bool counted = false;      // its slot and itself are counted for the submitter
    bool current = false;      // of the running attempt of a task
    bool interrupted = false;  // we ended it for StopAll()
    int slot = -1;             // -1: one that is not there today
  };

  void Dispatch(SteadyTime now, std::vector<Action>* actions);
  void Start(const PendingQueue::Head& head, SteadyTime now, std::vector<Action>* actions);
  void Expire(SteadyTime now, std::vector<Action>* actions);
  int TakeSlot();
  void GiveSlot(int slot);
  bool HoldSlot(int slot);
  void CountSlot(const std::string& submitter, int change);
  void Wait(Task& task, std::optional<SteadyTime> not_before, SteadyTime now);
  void SetTimer(Task& task, std::optional<SteadyTime> at);
  void Drop(Task& task, std::vector<Action>* actions);  // it has ended
  bool Has(SeededBug bug) const { return options_.bug == bug; }
  void CountPending(const std::string& submitter, int change);
  void PutBack(Task& task, std::optional<SteadyTime> not_before, SteadyTime now);
  void LeadEnded(Task& task, bool interrupted, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions);
  void Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions);
  std::chrono::milliseconds Backoff(int lost);

  // Assistants (scheduler_teams.cc).
  int Most(const PendingTask& task) const;
  int Wanted(const Roster& team) const;
  void LeadTeam(const Task& task, int task_class);
  bool Grow(int below_class, std::vector<Action>* actions);
  void Reclaim(std::vector<Action>* actions);
  void Balance(std::vector<Action>* actions);
  void Release(Roster& team, Roster::Assistant& assistant, std::vector<Action>* actions);
  void ReleaseNewest(Roster& team, std::vector<Action>* actions);
  void ReleaseSurplus(Roster& team, std::vector<Action>* actions);
  // It does not grow any more. Its assistants go: at once, or when no lead has come by `patience`.
  void StopTeam(const std::string& id, std::vector<Action>* actions);
  void LetTeamWait(const std::string& id, SteadyTime patience);
  void ExpireTeams(SteadyTime now, std::vector<Action>* actions);
  void SetTeamTimer(Roster& team);
  void DropTeam(Roster& team);
  using TeamKey = std::tuple<int, int, int>;
  TeamKey KeyOf(const Roster& team) const;
  Roster* FewestWorkers(int below_class);

  const Options options_;
  std::mt19937_64 random_;
  Dispatching dispatching_ = Dispatching::kOn;
  bool taking_up_ = false;
  bool drained_ = false;  // StopAll() came after a drain
  struct Node {
    int slots = 0;
    bool up = true;
  };
  std::map<int64_t, Node> nodes_;  // removed ones left out
  int total_slots_ = 0;            // of nodes that are up
  std::set<int> free_;
  std::map<int, int> busy_;       // -> workers on it: 1, or more for a while after a restart
  PendingQueue queue_;                                     // pending, may start now; points into tasks_
  std::unordered_map<std::string, Task> tasks_;            // not ended
  std::set<std::pair<SteadyTime, std::string>> waiting_;   // pending, backing off
  std::set<std::pair<SteadyTime, std::string>> timers_;    // deadlines
  std::unordered_map<std::string, int64_t> pending_of_;    // by submitter; none is 0
  std::map<Attempt, Lead> leads_;
  std::map<std::string, Roster> teams_;                    // of running tasks that asked for several workers, and where assistants are left
  std::set<std::pair<SteadyTime, std::string>> team_timers_;
  int assistants_ = 0;
  int releasing_ = 0;                                      // of these, told to end
};

}  // namespace ns
