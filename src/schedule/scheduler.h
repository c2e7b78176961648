// Which task runs when, on which slots: a pure state machine, (event, now) -> actions. No clock, thread or I/O of its own, so that the same
// code runs in the service and in a seeded simulation. docs/design/scheduling.md says the rules in one page.
//
// A slot runs one worker; slots come and go with their nodes. Pending tasks start in the order of pending_queue.h, each on one slot, where
// its lead runs. A running task that asked for more workers grows by assistants on slots for which no pending task of its class or a better
// one waits; when such a task comes, an assistant is released for it. So a task that wants everything keeps nobody waiting.
//
// A task whose lead was lost (killed by a signal, gone without a word) waits a random while and is tried again, `max_lost` lost attempts in
// all; a worker that ended with a reason of its own fails its task at once. A task past its deadline fails when it still waits; when it runs
// its worker has been told the deadline, and is stopped after a grace.
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
#include "tasks/task_state.h"

namespace ns {

// Start this attempt of a pending task on this slot: record it durably, then start its lead.
struct StartAction {
  std::string id;
  int attempt = 0;
  int slot = 0;
  bool operator==(const StartAction&) const = default;
};
// Start assistant `worker` (1, 2, ...) of a running attempt: record its slot durably, then start it.
struct AssistAction {
  std::string id;
  int attempt = 0;
  int worker = 0;
  int slot = 0;
  bool operator==(const AssistAction&) const = default;
};
// End this assistant; its attempt goes on, or has ended.
struct ReleaseAction {
  std::string id;
  int attempt = 0;
  int worker = 0;
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
  std::string why;     // why `most` is less than `asked`; "": it is not
};

class Scheduler;

// Told of each decision before it is carried out, and of each slot's way: to check the rules from outside, in tests.
class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  virtual void BeforeStart(const Scheduler& scheduler, const PendingTask& task, SteadyTime now) = 0;
  virtual void BeforeGrow(const Scheduler& scheduler, const std::string& id, int task_class) = 0;
  virtual void OnHeld(const std::string& submitter, const std::string& id, int attempt, int worker) = 0;
  virtual void OnEnded(const std::string& id, int attempt, int worker, bool started) = 0;  // false: it never had a process
};

class Scheduler {
 public:
  struct Options {
    int max_lost = 3;                              // the lost attempt that makes the task fail; as many lost assistants end an attempt's growth
    std::chrono::milliseconds first_backoff{500};  // the longest wait after the first loss; doubles with each, the wait is its half at least
    std::chrono::milliseconds longest_backoff{10'000};
    std::chrono::milliseconds deadline_grace{30'000};
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
  // No worker is started there any more; its slots go as their workers end.
  void RemoveNode(int64_t node);
  struct NodeUse {
    int free = 0, busy = 0;
  };
  // None: there is no such node, or it was removed and no worker is left on it.
  std::optional<NodeUse> UseOf(int64_t node) const;

  // Nothing for a task that is there already.
  std::vector<Action> Submit(const PendingTask& task, SteadyTime now);
  // After a restart: `task.attempt` runs already, on `slot`. One that is not there today is kept apart and never given again. Two may hold one
  // slot (the end of the first was not recorded yet when the second started): it is free when both have ended.
  void Adopt(const PendingTask& task, int slot);
  // After a restart: a worker of an attempt that is over still holds `slot` until its Exited(), or AssistantExited() where worker > 0.
  // After Adopt() also: an assistant of the running attempt.
  void Hold(const std::string& id, int attempt, int worker, int slot);
  std::vector<Action> Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now);
  std::vector<Action> AssistantExited(const std::string& id, int attempt, int worker, SteadyTime now);
  // A pending task ends at once; a running one too, and its workers are stopped. Nothing for a task that is not there.
  std::vector<Action> Cancel(const std::string& id, SteadyTime now);
  // Time has passed: starts what had to wait, ends what is past its deadline.
  std::vector<Action> Tick(SteadyTime now);
  // Once draining it stays so.
  std::vector<Action> SetDispatching(Dispatching dispatching, SteadyTime now);
  // Ends all workers; their tasks wait again without a mark against them, as stopped by drain where it drained already. Draining afterwards.
  std::vector<Action> StopAll();

  // When Tick() has something to do next; none: only when an event comes.
  std::optional<SteadyTime> next_tick() const;
  // True from its Start, Adopt() or Hold() until its lead's Exited().
  bool HasLead(const std::string& id, int attempt) const;
  int running() const { return static_cast<int>(active_.size()); }  // attempts with a worker
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
  struct Active {  // the workers of an attempt
    std::string submitter;
    bool counted = false;      // its slots and itself are counted for the submitter
    bool current = false;      // the running attempt of a task
    bool interrupted = false;  // we ended it for StopAll()
    int task_class = 1;        // of its task when it started
    int wanted = 1;
    int last_worker = 0;
    int lost_assistants = 0;
    std::map<int, int> slots;  // worker -> slot, or -1; 0 is the lead
    std::set<int> releasing;
  };

  void Dispatch(SteadyTime now, std::vector<Action>* actions);
  void Start(const PendingQueue::Head& head, SteadyTime now, std::vector<Action>* actions);
  bool Grow(int below_class, std::vector<Action>* actions);
  void Reclaim(std::vector<Action>* actions);
  void Expire(SteadyTime now, std::vector<Action>* actions);
  int TakeSlot(Active& active, int worker);
  void GiveSlot(Active& active, int worker);
  void EndAttempt(std::map<Attempt, Active>::iterator at, std::vector<Action>* actions);
  void ReleaseAll(const Attempt& attempt, Active& active, std::vector<Action>* actions);
  void Wait(Task& task, std::optional<SteadyTime> not_before, SteadyTime now);
  void SetTimer(Task& task, std::optional<SteadyTime> at);
  void Drop(Task& task);  // it has ended
  bool Has(SeededBug bug) const { return options_.bug == bug; }
  void CountPending(const std::string& submitter, int change);
  void Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions);
  int Most(int wanted) const;
  std::chrono::milliseconds Backoff(int lost);

  const Options options_;
  std::mt19937_64 random_;
  Dispatching dispatching_ = Dispatching::kOn;
  bool drained_ = false;  // StopAll() came after a drain
  std::map<int64_t, int> nodes_;  // -> slots; removed ones left out
  int total_slots_ = 0;
  std::set<int> free_;
  std::map<int, int> busy_;       // -> workers on it: 1, or more for a while after a restart
  PendingQueue queue_;                                     // pending, may start now; points into tasks_
  std::unordered_map<std::string, Task> tasks_;            // not ended
  std::set<std::pair<SteadyTime, std::string>> waiting_;   // pending, backing off
  std::set<std::pair<SteadyTime, std::string>> timers_;    // deadlines
  std::unordered_map<std::string, int64_t> pending_of_;    // by submitter; none is 0
  std::map<Attempt, Active> active_;
  std::set<Attempt> elastic_;                              // current ones that asked for several workers
  int releasing_ = 0;                                      // assistants that were told to end
};

}  // namespace ns
