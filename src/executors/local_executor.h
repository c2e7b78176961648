// Workers as processes of this machine, each under a supervisor (supervisor.h) pinned to its cores.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executors/step_planner.h"
#include "schedule/executor.h"

namespace ns {

struct LocalExecutorOptions {
  std::vector<std::string> supervisor_command;  // called as: COMMAND... --task-folder DIR --attempt N, or COMMAND... --standby
  StepPlannerOptions planner;
  int max_workers_per_task = 1;
  size_t standbys = 0;  // supervisors that wait for an attempt when there is time to start them
};

// One thread waits on the kernel (epoll) for everything: new lines in events.jsonl (inotify), ended supervisors, also those that an earlier
// service started (pidfd), and requests. Nothing is polled.
class LocalExecutor final : public Executor {
 public:
  // FailedPrecondition (NO_SANDBOX) where the planner asks for sandboxes and there can be none.
  static Result<std::unique_ptr<LocalExecutor>> Create(const LocalExecutorOptions& options);
  // Leaves workers running; no call to the listener afterwards.
  ~LocalExecutor() override;

  void Listen(ExecutorListener* listener) override;
  Status Start(const WorkerPlace& place) override;
  void Adopt(const WorkerPlace& place, uint64_t after_seq) override;
  void Stop(const WorkerId& worker) override;
  int max_workers_per_task() const override { return options_.max_workers_per_task; }

 private:
  class Loop;
  explicit LocalExecutor(const LocalExecutorOptions& options, std::unique_ptr<Loop> loop);

  const LocalExecutorOptions options_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace ns
