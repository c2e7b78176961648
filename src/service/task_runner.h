// Runs tasks: the scheduler's decisions carried out on the journal and the executor, and what happens to workers taken back to it. It decides
// by what it is told and has no thread, clock or files of its own: the dispatcher drives it in the service, the simulation in tests/sim.
//
// Order that makes a crash at any moment harmless: an attempt, or an assistant's slot, is committed before its worker starts; a task's end is
// committed before it is shown; a cancellation is committed before its worker is killed, while the store can be written; workers outlive the service and are adopted by
// Recover(). What an attempt says that is over, or was given up, is not heard.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.h"
#include "schedule/backlog.h"
#include "schedule/executor.h"
#include "schedule/scheduler.h"
#include "service/attempt_files.h"
#include "service/task_writes.h"
#include "store/task_journal.h"
#include "tasks/task_progress.h"

namespace ns {

// Of one thread, but for what says otherwise.
class TaskRunner {
 public:
  // References outlive the runner. `thread` runs messages on the runner's thread.
  TaskRunner(const Scheduler::Options& options, TaskJournal& journal, Executor& executor, AttemptFiles& files, const Clock& clock,
             TaskWrites::Thread thread);

  // Called on the runner's thread whenever a task's end is durable; must not block. Before the first other call.
  void WhenTaskEnds(std::function<void()> told) { task_ended_ = std::move(told); }

  void AddNode(int64_t node, const std::vector<std::vector<int>>& slots);
  void RemoveNode(int64_t node);
  void SetNodeUp(int64_t node, bool up);
  // Takes up what an earlier service left: adopts running workers, ends those of ended tasks, queues what waits. Once, after the nodes.
  Status Recover();

  void Submitted(const PendingTask& task);
  // `done` comes when the end is durable and its workers were told to end. NotFound (NOT_CANCELLABLE) when the task is not pending or running.
  // When the store cannot be written now: its failure (ResourceExhausted DISK_FULL and the like) at once; the workers are told to end all the
  // same, and the end is recorded when it can be.
  void Cancel(const std::string& id, std::function<void(Status)> done);
  void SetDispatching(Dispatching dispatching);
  // Ends all workers, their tasks wait again; nothing is started any more.
  void StopWorkers();
  // `idle` comes when no worker runs and what they did is stored (or cannot be: the disk is full).
  void WhenIdle(std::function<void()> idle);
  // A failure that the worker tells is the task's reason once the worker has ended; readers are told states by the service alone.
  void Events(const WorkerId& lead, std::vector<TaskEvent> events);
  void Where(const WorkerId& worker, const WorkerWhere& where);
  void Exit(const WorkerId& worker, const WorkerExit& exit);
  // What is due by time. After each message, and when next_tick() has come.
  void Tick();
  std::optional<SteadyTime> next_tick() const;

  // Callable from any thread:
  // Where a running task is; none when it does not run.
  std::optional<TaskProgress> Progress(const std::string& id) const;
  // `task` as it is stored.
  std::optional<WaitReason> WhyWaits(const TaskRecord& task) const;
  std::optional<WorkersOf> Workers(const std::string& id) const;
  // By number, as far as the executor told.
  std::map<int, WorkerWhere> WhereOf(const std::string& id) const;
  std::optional<Scheduler::NodeUse> UseOf(int64_t node) const;
  int running() const;
  int64_t PendingOf(const std::string& submitter) const;

  // A stored task as the scheduler needs it.
  PendingTask Pending(const TaskRecord& task) const;
  const Scheduler& scheduler() const { return scheduler_; }
  const Backlog& backlog() const { return backlog_; }

 private:
  using Attempt = std::pair<std::string, int>;
  struct Cancellation {  // until it is durable
    std::vector<Action> actions;  // to be carried out then
    std::vector<std::function<void(Status)>> waiting;
    Status delay;  // why it cannot be recorded yet
  };
  struct Running {
    int attempt = 0;
    TaskProgress progress;
  };

  // Calls the scheduler under the lock, then carries out what it wants.
  template <typename Call>
  void Decide(Call call);
  void Carry(const std::vector<Action>& actions);
  void Do(const StartAction& action);
  void Do(const AssistAction& action);
  void Do(const ReleaseAction& action);
  void Do(const StopAction& action);
  void Do(const FinishAction& action);
  void Do(const RequeueAction& action);
  void WriteCancellation(const FinishAction& finish);
  void DelayCancellation(const std::string& id, const Status& failure);
  void StartWorker(const StartAction& action);
  void StartAssistant(const AssistAction& action);
  void AttemptEnded(const std::string& id, int attempt, const AttemptEnd& end);
  void AssistantEnded(const WorkerId& assistant, AssistantEnd end, const std::string& message);
  Status AdoptLead(const OpenWorker& open, const TaskRecord& task);
  void AdoptAssistant(const OpenWorker& open);
  void Forget(const std::string& id, int attempt);
  WorkerPlace PlaceOf(const WorkerId& id, int slot) const;

  // What the scheduler does not know yet (task_runner_backlog.cc).
  int64_t LeastKnown(int more_slots) const;
  bool MayWaitUnknown(const Backlog::Queue& queue) const;
  void TellScheduler(const PendingTask& task);
  void Refill(int more_slots = 0);
  void Tell(const std::vector<int64_t>& orders, bool overdue);
  void TellOverdue();
  std::optional<FinishAction> CancelUnknown(const std::string& id);
  Status TakeUpPending();

  bool Has(SeededBug bug) const { return bug_ == bug; }

  const SeededBug bug_;
  const size_t most_known_;
  TaskJournal& journal_;
  Executor& executor_;
  AttemptFiles& files_;
  const Clock& clock_;

  mutable std::mutex mutex_;  // over the five below
  std::map<std::string, Running> running_;
  std::map<WorkerId, WorkerWhere> where_;  // of those that have not ended
  std::map<int, std::vector<int>> cores_;  // by slot
  Scheduler scheduler_;
  Backlog backlog_;

  bool refilling_ = false;
  std::vector<int64_t> untold_;  // taken from the backlog, but the store could not be read
  SteadyTime tell_again_at_;
  std::function<void()> task_ended_ = [] {};
  std::set<WorkerId> stopping_;
  std::map<std::string, Cancellation> cancellations_;
  std::vector<std::function<void()>> idle_;
  TaskWrites writes_;
};

}  // namespace ns
