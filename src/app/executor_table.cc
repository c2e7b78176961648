#include "app/executor_table.h"

#include <algorithm>

#include "executors/ip_network.h"
#include "executors/mpi_executor.h"
#include "executors/slurm_executor.h"
#include "tasks/shell_words.h"

namespace ns {

namespace {

struct Entry {
  const char* name;
  Result<std::unique_ptr<Executor>> (*make)(const ExecutorSetup& setup);
};

Result<std::unique_ptr<Executor>> MakeLocal(const ExecutorSetup& setup) {
  NS_ASSIGN_OR_RETURN(auto executor, LocalExecutor::Create(setup.local));
  return std::unique_ptr<Executor>(std::move(executor));
}

Result<std::unique_ptr<Executor>> MakeMpi(const ExecutorSetup& setup) {
  MpiExecutorOptions options;
  options.mpirun = setup.options.mpirun;
  NS_ASSIGN_OR_RETURN(options.mpirun_options, SplitWords(setup.options.mpi_options));
  options.supervisor_command = setup.local.supervisor_command;
  options.planner = setup.local.planner;
  options.planner.team_network = setup.options.team_network;
  options.max_workers_per_task = setup.local.max_workers_per_task;
  options.workspace = setup.workspace.root();
  options.outpost = setup.outpost;
  NS_ASSIGN_OR_RETURN(auto executor, MpiExecutor::Create(options));
  return std::unique_ptr<Executor>(std::move(executor));
}

Result<std::unique_ptr<Executor>> MakeSlurm(const ExecutorSetup& setup) {
  const ServeOptions& given = setup.options;
  if (!given.hostfile.empty()) {
    return InvalidArgument("--executor slurm takes no --hostfile: the nodes are Slurm's; leave it out, or use --executor mpi", "BAD_USAGE");
  }
  SlurmExecutorOptions options;
  options.partition = given.slurm_partition;
  options.account = given.slurm_account;
  options.time_limit = given.slurm_time_limit;
  NS_ASSIGN_OR_RETURN(options.sbatch_options, SplitWords(given.slurm_options));
  options.max_jobs = given.slurm_max_jobs;
  if (given.cores_per_worker > 0) options.cores_per_worker = given.cores_per_worker;
  options.supervisor_command = setup.local.supervisor_command;
  options.planner = setup.local.planner;
  options.planner.team_network = given.team_network;
  options.outpost = setup.outpost;
  options.max_workers_per_task = setup.local.max_workers_per_task;
  NS_ASSIGN_OR_RETURN(auto executor, SlurmExecutor::Create(options));
  return std::unique_ptr<Executor>(std::move(executor));
}

// Append here.
constexpr Entry kExecutors[] = {
    {"local", MakeLocal},
    {"mpi", MakeMpi},
    {"slurm", MakeSlurm},
};

const Entry* Find(const ServeOptions& options) {
  auto found = std::find_if(std::begin(kExecutors), std::end(kExecutors), [&](const Entry& entry) { return options.executor == entry.name; });
  return found == std::end(kExecutors) ? nullptr : found;
}

}  // namespace

Status CheckExecutor(const ServeOptions& options) {
  if (Find(options) != nullptr) return OkStatus();
  return InvalidArgument(fmt::format("--executor {} is not available in this version; use --executor local", options.executor), "NO_EXECUTOR");
}

Result<std::unique_ptr<Executor>> MakeExecutor(const ExecutorSetup& setup) {
  NS_RETURN_IF_ERROR(CheckExecutor(setup.options));
  const std::string& network = setup.options.team_network;
  if (!network.empty()) NS_RETURN_IF_ERROR(IpNetwork::Parse(network).status());
  return Find(setup.options)->make(setup);
}

}  // namespace ns
