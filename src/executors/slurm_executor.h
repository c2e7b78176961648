// Workers as jobs of Slurm: one for each lead, and an array of one-task jobs for the assistants that a task gets at a time. Each starts its worker's
// supervisor. Slurm decides when and where, and queues a job again that it preempts or whose node fails, each of an array for itself; a worker goes on
// under its number then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "executors/node_plan.h"
#include "executors/step_planner.h"
#include "schedule/executor.h"

namespace ns {

struct SlurmExecutorOptions {
  std::string partition, account;             // "": Slurm's default
  std::string time_limit;                     // of a worker, as sbatch takes it ("02:00:00"); "": the partition's
  std::vector<std::string> sbatch_options;    // more of sbatch's words
  int max_jobs = 64;                          // workers that are handed over at a time
  int cores_per_worker = 4;
  std::vector<std::string> supervisor_command;  // at the same place on every node, as the worker
  int max_workers_per_task = 1;
  StepPlannerOptions planner;                 // its paths are on a file system that all nodes share, unless there is:
  OutpostOptions outpost;
};

// Slurm begins with all leads that wait before it gives a task more assistants: so much less is an assistant's priority. More than an earlier
// submission is worth, and than a day of waiting with usual weights; an --nice of `sbatch_options` has the last word.
inline constexpr int kAssistantNice = 10'000;

struct SlurmSubmission {
  std::string name;
  bool assistants = false;
  std::vector<int> array = {};       // a job for each of these numbers, which is its SLURM_ARRAY_TASK_ID; empty: one job
  std::filesystem::path folder;      // where it runs; empty: in the root
  std::filesystem::path output;      // empty: nowhere; what it says before it has a log; of an array %a is the number
  std::filesystem::path script;
  RemoteStart start;                 // the script's words, and what it needs in its environment
};
// The words that hand it over.
std::vector<std::string> SbatchWords(const SlurmExecutorOptions& options, const SlurmSubmission& submission);

class SlurmExecutor final : public Executor {
 public:
  // FailedPrecondition (NO_SLURM) where sbatch cannot be run or Slurm does not answer; (NO_SANDBOX) as the local executor: this machine stands for
  // the nodes.
  static Result<std::unique_ptr<SlurmExecutor>> Create(const SlurmExecutorOptions& options);
  // Leaves jobs as they are.
  ~SlurmExecutor() override;

  void Listen(ExecutorListener* listener) override;
  Status Start(const WorkerPlace& place) override;
  void Adopt(const WorkerPlace& place, uint64_t after_seq) override;
  void Stop(const WorkerId& worker) override;
  int max_workers_per_task() const override { return options_.max_workers_per_task; }

  bool uses_other_machines() const override { return true; }
  int own_slots() const override { return options_.max_jobs; }
  std::vector<NodeView> own_nodes() const override;

 private:
  explicit SlurmExecutor(const SlurmExecutorOptions& options);

  const SlurmExecutorOptions options_;
  std::unique_ptr<class SlurmJobs> jobs_;
  std::unique_ptr<class RemoteWorkers> workers_;
};

}  // namespace ns
