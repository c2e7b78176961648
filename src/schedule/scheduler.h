// Which task runs when, on which slot: a pure state machine, (event, now) -> actions. No clock, thread or I/O of its own, so that the same
// code runs in the service and in a seeded simulation.
//
// A slot runs one worker; slots come and go with their nodes. Pending tasks start by priority (1 first), then in order of submission, on the lowest free slot. A task whose
// worker was lost (killed by a signal, gone without a word) waits a little and is tried again, `max_lost` lost attempts in all; a worker
// that ended with a reason of its own fails its task at once.
//
// The caller carries out the actions in their order and tells each attempt's end with Exited() exactly once. A slot is busy from Start until
// that Exited, whatever happens to the task meanwhile.
// Thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "tasks/task_state.h"

namespace ns {

// Start this attempt of a pending task on this slot: record it durably, then start its worker.
struct StartAction {
  std::string id;
  int attempt = 0;
  int slot = 0;
  bool operator==(const StartAction&) const = default;
};
// End the worker of this attempt, whole process group.
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
using Action = std::variant<StartAction, StopAction, FinishAction, RequeueAction>;

// A task as the scheduler needs it.
struct PendingTask {
  std::string id;
  int priority = 2;
  int64_t order = 0;  // of submission, ascending
  int attempt = 0;    // attempts started so far
  int lost = 0;       // of these, lost ones
};

// How an attempt ended.
struct AttemptEnd {
  enum class Kind { kDone, kFailed, kLost };
  Kind kind = Kind::kLost;
  std::string reason, message;  // of kFailed and kLost
};

class Scheduler {
 public:
  struct Options {
    int max_lost = 3;                            // the lost attempt that makes the task fail
    std::chrono::milliseconds first_backoff{500};  // after the first loss; doubles with each
    std::chrono::milliseconds longest_backoff{10'000};
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

  std::vector<Action> Submit(const PendingTask& task, SteadyTime now);
  // After a restart: `task.attempt` runs already, on `slot`. A slot that is not there today, or taken, is kept apart and never given again.
  void Adopt(const PendingTask& task, int slot);
  // After a restart: a worker of a task that has ended still holds `slot` until its Exited().
  void Hold(const std::string& id, int attempt, int slot);
  std::vector<Action> Exited(const std::string& id, int attempt, const AttemptEnd& end, SteadyTime now);
  // A pending task ends at once; a running one too, and its worker is stopped. Nothing for a task that is not there.
  std::vector<Action> Cancel(const std::string& id, SteadyTime now);
  // Time has passed: starts what had to wait.
  std::vector<Action> Tick(SteadyTime now);
  // While off, nothing is started. Off is for draining.
  std::vector<Action> SetDispatching(bool on, SteadyTime now);
  // Ends all workers; their tasks wait again without a mark against them. Dispatching is off afterwards.
  std::vector<Action> StopAll();

  // When Tick() has something to do next; none: only when an event comes.
  std::optional<SteadyTime> next_tick() const;
  int running() const { return static_cast<int>(active_.size()); }
  int free_slots() const { return static_cast<int>(free_.size()); }
  size_t pending() const { return tasks_.size() - running_tasks_; }
  // Pending tasks that start before this one, those that back off left out; -1: it is not pending. Counts them one by one.
  int64_t Ahead(const std::string& id) const;

 private:
  using Key = std::tuple<int, int64_t, std::string>;  // priority, order, id
  struct Task {
    PendingTask info;
    bool running = false;
    std::optional<SteadyTime> not_before;
  };
  struct Active {  // a worker
    int attempt = 0;
    int slot = 0;
    bool interrupted = false;  // we ended it for StopAll()
  };

  void Dispatch(SteadyTime now, std::vector<Action>* actions);
  void Release(int slot);
  void Queue(Task& task, std::optional<SteadyTime> not_before);
  void Retry(Task& task, const AttemptEnd& end, SteadyTime now, std::vector<Action>* actions);
  static Key KeyOf(const PendingTask& task) { return {task.priority, task.order, task.id}; }

  const Options options_;
  bool dispatching_ = true;
  std::map<int64_t, int> nodes_;  // -> slots; removed ones left out
  std::set<int> free_;
  std::set<int> busy_;
  std::map<std::string, Task> tasks_;     // not ended
  std::set<Key> ready_;                   // pending, may start now
  std::multimap<SteadyTime, std::string> waiting_;  // pending, backing off
  std::map<std::pair<std::string, int>, Active> active_;  // workers by task and attempt
  size_t running_tasks_ = 0;
};

}  // namespace ns
