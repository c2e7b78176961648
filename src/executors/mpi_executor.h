// Workers on the nodes of a host list, by Open MPI: one `mpirun -np 1 --host NODE` for each worker, which starts the worker's supervisor there.
// A job of several ranks would die with any one of them, and could not take in a node that joins later.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "executors/node_plan.h"
#include "executors/step_planner.h"
#include "schedule/executor.h"

namespace ns {

struct MpiExecutorOptions {
  std::string mpirun = "mpirun";             // searched in PATH
  std::vector<std::string> mpirun_options;   // more of its words: interfaces, the way to start remote processes
  std::vector<std::string> supervisor_command;  // at the same place on every node, as the worker
  StepPlannerOptions planner;
  int max_workers_per_task = 1;
  std::filesystem::path workspace;           // on a file system that all nodes share, unless there is:
  OutpostOptions outpost;
};

// The words of mpirun that start `start` on `host`, in `folder` where that is not empty. The environment is handed on by its names alone.
std::vector<std::string> MpirunWords(const MpiExecutorOptions& options, const std::string& host, const std::filesystem::path& folder,
                                     const RemoteStart& start);

class MpiExecutor final : public Executor {
 public:
  // FailedPrecondition (NO_MPI) where mpirun cannot be run; (NO_SANDBOX) as the local executor: this machine stands for the nodes.
  static Result<std::unique_ptr<MpiExecutor>> Create(const MpiExecutorOptions& options);
  // Leaves workers running.
  ~MpiExecutor() override;

  void Listen(ExecutorListener* listener) override;
  Status Start(const WorkerPlace& place) override;
  void Adopt(const WorkerPlace& place, uint64_t after_seq) override;
  void Stop(const WorkerId& worker) override;
  int max_workers_per_task() const override { return options_.max_workers_per_task; }

  bool uses_other_machines() const override { return true; }
  void NodeJoined(int64_t node, const NodeSpec& spec) override;
  void NodeLeft(int64_t node) override;

 private:
  class Runs;
  explicit MpiExecutor(const MpiExecutorOptions& options);

  const MpiExecutorOptions options_;
  std::unique_ptr<Runs> runs_;
  std::unique_ptr<class RemoteWorkers> workers_;
};

}  // namespace ns
