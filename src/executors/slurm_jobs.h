// The jobs of our workers in Slurm: handed over by sbatch, seen by squeue, ended by scancel. All in the background.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "executors/command.h"
#include "executors/remote_workers.h"
#include "executors/slurm_executor.h"
#include "executors/slurm_text.h"

namespace ns {

class SlurmJobs final : public Launcher {
 public:
  // `accounting`: sacct can be asked.
  SlurmJobs(const SlurmExecutorOptions& options, bool accounting) : options_(options), accounting_(accounting) {}

  void Launch(const WorkerPlace& place, const std::filesystem::path& folder) override;
  bool Adopt(const WorkerPlace& place, const std::filesystem::path& folder) override;
  void Stop(const WorkerId& worker, bool hard) override;
  void Look(ExecutorListener& listener) override;
  LaunchState StateOf(const WorkerId& worker) override;
  void Forget(const WorkerId& worker) override;

  // Slurm's nodes, as found out last. Thread-safe.
  std::vector<NodeView> Nodes() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Job {
    WorkerPlace place;
    std::filesystem::path folder;
    std::string id;                  // "": not known yet
    std::optional<ForeignCommand> asking;   // squeue, for the job that an earlier service handed over
    std::optional<Time> submit_at = {};  // it is to be handed over then
    bool submitting = false;         // sbatch runs
    int missing = 0;                 // answers of squeue one after another that did not have it, or said that its node had failed
    SlurmPhase phase = SlurmPhase::kWaiting;
    bool told_to_end = false;
    bool ended_by_us = false;        // scancel, after its worker's end was told
    LaunchState state = {};
    std::optional<Time> forgotten = {};
    std::optional<ForeignCommand> accounting = {};
    bool accounted = false;
  };
  // One sbatch, which hands over one job or an array of assistants.
  struct Handover {
    std::vector<WorkerId> workers;
    ForeignCommand sbatch;
  };
  void SubmitDue(Time now);
  void Submit(const std::vector<Job*>& group);
  static void End(Job& job, const std::string& why);
  void LookAtHandovers();
  void Submitted(Job& job, const Result<std::string>& id, const CommandEnd& end);
  void Found(Job& job, const CommandEnd& end);
  void Ask(Time now);
  void TakeAnswer(const CommandEnd& end);
  void Update(Job& job, const SlurmJob* seen);
  bool LetGo(Job& job, Time now);
  void Cancel(const Job& job, bool hard);
  void AskNodes(Time now);

  const SlurmExecutorOptions& options_;
  const bool accounting_;
  std::map<WorkerId, Job> jobs_;
  std::vector<Handover> handovers_;
  bool arrays_ = true;  // Slurm takes them
  std::optional<ForeignCommand> asking_;  // squeue
  Time ask_at_ = {};
  std::vector<ForeignCommand> cancels_;
  std::optional<ForeignCommand> asking_nodes_;
  Time ask_nodes_at_ = {};
  mutable std::mutex mutex_;  // over the next
  std::vector<NodeView> nodes_;
};

}  // namespace ns
