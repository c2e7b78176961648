// Runs tasks: the scheduler's decisions carried out on the store and the executor, and their events taken back to the scheduler.
//
// One thread owns the scheduler; everything reaches it as a message. It sleeps until the next message or the next time the scheduler named.
// Order that makes a crash at any moment harmless: an attempt is committed before its worker starts; a task's end is committed before it is
// shown; a cancellation is committed before its worker is killed; workers outlive the service and are adopted by Recover().
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "schedule/executor.h"
#include "schedule/scheduler.h"
#include "service/task_writes.h"
#include "service/workspace.h"
#include "store/task_store.h"
#include "tasks/task_progress.h"

namespace ns {

// Thread-safe.
class Dispatcher final : public ExecutorListener {
 public:
  struct Options {
    Scheduler::Options scheduler;
    std::function<void()> task_ended = {};  // called when a task's end is durable; must not block
  };
  // All references outlive the dispatcher. The executor is listened to.
  Dispatcher(const Options& options, const Workspace& workspace, TaskStore& store, Executor& executor, const Clock& clock);
  ~Dispatcher() override;
  // Ends the dispatcher's thread: what is told to it afterwards is not heard, and it uses neither executor nor store any more.
  void Stop();

  // Takes up what an earlier service left: adopts running workers, ends those of ended tasks, queues what waits. Once, first.
  Status Recover();

  // A node of this machine whose slots have these cores, disjoint; one worker runs on each. Its id was never used before.
  void AddNode(int64_t node, const std::vector<std::vector<int>>& slots);
  // No worker is started there any more; those that run go on to their end.
  void RemoveNode(int64_t node);
  // None: no such node, or one that was removed and has no worker any more.
  std::optional<Scheduler::NodeUse> UseOf(int64_t node) const;

  void Submitted(const PendingTask& task);
  // `done` comes when the end is durable and its worker was told to end. NotFound (NOT_CANCELLABLE) when the task is not pending or running.
  void Cancel(const std::string& id, std::function<void(Status)> done);
  // No task is started any more. `idle` comes when no worker runs and what they did is stored (or cannot be: the disk is full).
  void Drain(std::function<void()> idle);
  // Ends all workers, their tasks wait again. `idle` as above.
  void StopWorkers(std::function<void()> idle);

  // Where a running task is; none when it does not run.
  std::optional<TaskProgress> Progress(const std::string& id) const;
  // Pending tasks before this one; -1: it does not wait.
  int64_t Ahead(const std::string& id) const;
  int running() const;

  void OnEvents(const std::string& id, int attempt, std::vector<TaskEvent> events) override;
  void OnExit(const std::string& id, int attempt, const WorkerExit& exit) override;

 private:
  using Message = std::function<void()>;
  using Attempt = std::pair<std::string, int>;

  void Post(Message message);
  void PostLater(std::chrono::milliseconds wait, Message message);
  void Run();
  void Carry(const std::vector<Action>& actions);
  void Do(const StartAction& action);
  void Do(const StopAction& action);
  void Do(const FinishAction& action);
  void Do(const RequeueAction& action);
  void StartWorker(const StartAction& action);
  void AttemptEnded(const std::string& id, int attempt, const AttemptEnd& end);
  void AdoptAttempt(const OpenAttempt& open, const TaskRecord& task);
  void TellIdle();
  std::vector<int> CoresOf(int slot) const;

  const Options options_;
  const Workspace& workspace_;
  TaskStore& store_;
  Executor& executor_;
  const Clock& clock_;

  mutable std::mutex mutex_;  // over the five below and, for reading from other threads, the scheduler
  std::condition_variable wake_;
  std::vector<Message> messages_;
  std::map<std::string, TaskProgress> progress_;  // running tasks
  std::map<int, std::vector<int>> cores_;         // by slot
  bool stop_ = false;
  Scheduler scheduler_;

  // Of the dispatcher's thread only:
  std::multimap<SteadyTime, Message> later_;
  std::set<Attempt> stopping_;
  std::vector<std::function<void()>> idle_;
  TaskWrites writes_{{[this](Message message) { Post(std::move(message)); },
                      [this](std::chrono::milliseconds wait, Message message) { PostLater(wait, std::move(message)); }}};

  std::thread thread_;
};

}  // namespace ns
