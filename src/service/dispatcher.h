// The task runner on a thread of its own: everything reaches it as a message. The thread sleeps until the next message or the next time the
// scheduler named.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "schedule/executor.h"
#include "schedule/scheduler.h"
#include "service/attempt_folder.h"
#include "service/task_runner.h"
#include "service/workspace.h"
#include "store/task_journal.h"
#include "tasks/task_progress.h"

namespace ns {

// Thread-safe.
class Dispatcher final : public ExecutorListener {
 public:
  struct Options {
    Scheduler::Options scheduler;       // its max_workers_per_task is the executor's
    int max_queued_per_submitter = 0;   // pending tasks; 0: any number
    std::function<void()> task_ended = {};  // called when a task's end is durable; must not block
  };
  // All references outlive the dispatcher. The executor is listened to.
  Dispatcher(const Options& options, const Workspace& workspace, TaskJournal& store, Executor& executor, const Clock& clock);
  ~Dispatcher() override;
  // Ends the dispatcher's thread: what is told to it afterwards is not heard, and it uses neither executor nor store any more.
  void Stop();

  // A node of this machine whose slots have these cores, disjoint; one worker runs on each. Its id was never used before.
  void AddNode(int64_t node, const std::vector<std::vector<int>>& slots);
  // No worker is started there any more; those that run go on to their end.
  void RemoveNode(int64_t node);
  // Why the node cannot be used now; "": it can, as far as is known.
  std::string TroubleOf(int64_t node) const;
  // None: no such node, or one that was removed and has no worker any more.
  std::optional<Scheduler::NodeUse> UseOf(int64_t node) const { return runner_.UseOf(node); }

  // Takes up what an earlier service left: adopts running workers, ends those of ended tasks, queues what waits. Once, after the nodes.
  Status Recover();

  // A place among the pending tasks of the submitter, to be used by Submitted() or given back by Unreserve(). ResourceExhausted
  // (TOO_MANY_QUEUED).
  Status Reserve(const std::string& submitter);
  void Unreserve(const std::string& submitter);
  void Submitted(const PendingTask& task);
  // `done` comes when the end is durable and its worker was told to end. NotFound (NOT_CANCELLABLE) when the task is not pending or running.
  void Cancel(const std::string& id, std::function<void(Status)> done);
  // While paused no task is started.
  void Pause(bool paused);
  // No task is started any more. `idle` comes when no worker runs and what they did is stored (or cannot be: the disk is full).
  void Drain(std::function<void()> idle);
  // Ends all workers, their tasks wait again. `idle` as above.
  void StopWorkers(std::function<void()> idle);

  // Where a running task is; none when it does not run.
  std::optional<TaskProgress> Progress(const std::string& id) const { return runner_.Progress(id); }
  // None: it does not wait.
  std::optional<WaitReason> WhyWaits(const TaskRecord& task) const { return runner_.WhyWaits(task); }
  // None: it does not run.
  std::optional<WorkersOf> Workers(const std::string& id) const { return runner_.Workers(id); }
  // Of a running task, by worker: what the executor told.
  std::map<int, WorkerWhere> Where(const std::string& id) const { return runner_.WhereOf(id); }
  int running() const { return runner_.running(); }

  void OnEvents(const WorkerId& lead, std::vector<TaskEvent> events) override;
  void OnExit(const WorkerId& worker, const WorkerExit& exit) override;
  void OnWhere(const WorkerId& worker, const WorkerWhere& where) override;
  void OnNode(int64_t node, bool up, const std::string& why) override;

 private:
  using Message = std::function<void()>;

  void Post(Message message);
  void PostLater(std::chrono::milliseconds wait, Message message);
  void Run();

  const Options options_;
  const Clock& clock_;
  WorkspaceFiles files_;

  mutable std::mutex mutex_;  // over the next five
  std::map<int64_t, std::string> trouble_;  // of nodes that are down
  std::condition_variable wake_;
  std::vector<Message> messages_;
  std::map<std::string, int64_t> reserved_;  // by submitter: places of tasks that the runner does not know yet
  bool stop_ = false;

  std::multimap<SteadyTime, Message> later_;  // of the dispatcher's thread only
  TaskRunner runner_;
  std::thread thread_;
};

}  // namespace ns
