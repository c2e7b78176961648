#include "executors/mpi_executor.h"

#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "base/log.h"
#include "base/replace_file.h"
#include "executors/mpi_nodes.h"
#include "executors/node_probe.h"
#include "executors/prepare_worker.h"
#include "executors/remote_workers.h"
#include "executors/supervisor.h"
#include "tasks/process_files.h"
#include "tasks/team_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

// In a worker's folder, as worker.pid is: the mpirun on this machine that holds it.
constexpr const char* kMpirunFileName = "mpirun.pid";
// How long a supervisor waits for the one before it: as long as a network file system may keep a lock of a machine that is gone.
constexpr auto kLockWait = std::chrono::seconds(120);
// How often it is looked for signs of life, and how long there may be none while the node is down.
constexpr auto kSignInterval = std::chrono::seconds(2), kSilence = std::chrono::seconds(10);
// Of an mpirun whose worker has ended.
constexpr auto kLinger = std::chrono::seconds(5);

// mpirun refuses to run as root unless told twice, under Open MPI's and under PRRTE's name.
std::map<std::string, std::string> Environment() {
  if (::geteuid() != 0) return {};
  return {{"OMPI_ALLOW_RUN_AS_ROOT", "1"}, {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}, {"PRTE_ALLOW_RUN_AS_ROOT", "1"}, {"PRTE_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}};
}

Status CheckMpirun(const std::string& mpirun) {
  auto command = ForeignCommand::Start({mpirun, "--version"}, std::chrono::seconds(20), Environment());
  std::optional<CommandEnd> end;
  while (command.ok() && !(end = command->Poll())) ::usleep(10'000);
  if (end && end->ok()) return OkStatus();
  return FailedPrecondition(fmt::format("--executor mpi cannot run '{}' ({}): install Open MPI (Debian's package openmpi-bin), or name its program with --mpirun",
                                        mpirun, end ? end->FirstLine() : command.status().message()), "NO_MPI");
}

// A file of the workspace by which nodes are told that they see the same one.
Result<std::string> WriteSharedFile(const fs::path& file) {
  NS_ASSIGN_OR_RETURN(std::string content, ReadFile("/proc/sys/kernel/random/uuid"));
  NS_RETURN_IF_ERROR(ReplaceFile(file, content));
  return content;
}

}  // namespace

std::vector<std::string> MpirunWords(const MpiExecutorOptions& options, const std::string& host, const fs::path& folder,
                                     const RemoteStart& start) {
  std::vector<std::string> words = {options.mpirun, "-np", "1", "--host", host, "--bind-to", "none", "--quiet"};
  // The supervisor pins itself. It ends its worker by itself when told to; a node that no longer answers is noticed within ten seconds.
  for (const char* word : {"--mca", "odls_base_sigkill_timeout", "3", "--mca", "oob_tcp_keepalive_time", "4", "--mca", "oob_tcp_keepalive_intvl", "2",
                           "--mca", "oob_tcp_keepalive_probes", "3"}) {
    words.push_back(word);
  }
  if (!folder.empty()) words.insert(words.end(), {"--wdir", folder.string()});
  for (const auto& [name, value] : start.environment) words.insert(words.end(), {"-x", name});
  words.insert(words.end(), options.mpirun_options.begin(), options.mpirun_options.end());
  words.insert(words.end(), start.command.begin(), start.command.end());
  return words;
}

// The mpiruns of this machine, and the nodes that they lead to.
class MpiExecutor::Runs final : public Launcher {
 public:
  Runs(const MpiExecutorOptions& options, const std::string& shared_content)
      : options_(options), nodes_([this](const NodeSpec& node) { return ProbeCommand(node); }, Environment()), shared_content_(shared_content) {}

  MpiNodes& nodes() { return nodes_; }
  static fs::path SharedFile(const fs::path& workspace) { return workspace / "node_check"; }

  void Launch(const WorkerPlace& place, const fs::path& folder) override;
  bool Adopt(const WorkerPlace& place, const fs::path& folder) override;
  void Stop(const WorkerId& worker, bool hard) override;
  void Look(ExecutorListener& listener) override;
  LaunchState StateOf(const WorkerId& worker) override;
  void Forget(const WorkerId& worker) override;

 private:
  struct Run {
    int64_t node = 0;
    fs::path folder = {};   // the worker's
    int64_t sign = 0;       // of life, that was seen last
    steady_clock::time_point seen = steady_clock::now(), look_at = {};
    ProcessId mpirun;       // pid 0: it has ended
    bool child = true;      // else one that an earlier service started
    bool told_to_end = false;
    bool hard = false;      // ... and not kindly any more
    LaunchState state = {};
    bool forgotten = false;
    steady_clock::time_point kill_at = {};  // once forgotten
  };
  std::vector<std::string> ProbeCommand(const NodeSpec& node) const;
  Result<ProcessId> Spawn(const WorkerPlace& place, const fs::path& folder, const NodeSpec& node);
  void LookAt(Run& run, ExecutorListener& listener);
  void GiveUpSilent(Run& run, steady_clock::time_point now) const;

  const MpiExecutorOptions& options_;
  MpiNodes nodes_;
  const std::string shared_content_;
  std::map<WorkerId, Run> runs_;
};

std::vector<std::string> MpiExecutor::Runs::ProbeCommand(const NodeSpec& node) const {
  std::vector<std::string> command = options_.supervisor_command;
  command.push_back("--probe");
  NodeProbe probe{SharedFile(options_.workspace), shared_content_, options_.planner.worker_command[0], node.sockets * node.cores_per_socket,
                  options_.planner.sandbox, {}};
  if (options_.outpost.given()) {
    probe.shared_file = options_.planner.node_folder;
    probe.content = "-";
    probe.services = options_.outpost.addresses;
  }
  for (std::string& word : ProbeWords(probe)) command.push_back(std::move(word));
  return MpirunWords(options_, node.name, "", {command});
}

Result<ProcessId> MpiExecutor::Runs::Spawn(const WorkerPlace& place, const fs::path& folder, const NodeSpec& node) {
  SupervisorOptions supervisor{.task_folder = folder, .attempt = place.id.fence, .log_file = place.log_file};
  supervisor.node_cores = place.cores;
  supervisor.lock_wait = kLockWait;
  supervisor.elsewhere = true;
  NS_ASSIGN_OR_RETURN(RemoteStart start, StartElsewhere(options_.outpost.command, options_.planner.node_folder, options_.supervisor_command, supervisor, {place}));
  SpawnOptions spawn;
  spawn.argv = MpirunWords(options_, node.name, options_.outpost.given() ? fs::path() : folder, start);
  spawn.working_folder = folder;
  spawn.new_session = true;
  spawn.stdout_file = spawn.stderr_file = folder / "mpirun.log";
  spawn.set_environment = Environment();
  spawn.set_environment.merge(start.environment);
  NS_ASSIGN_OR_RETURN(ProcessId mpirun, ns::Spawn(spawn));
  Status written = ReplaceFile(folder / kMpirunFileName, WorkerPidsToJson({place.id.fence, mpirun, {}}));
  if (!written.ok()) {  // one that cannot be found again must not run on
    (void)SignalGroup(mpirun, SIGKILL);
    (void)WaitChild(mpirun.pid);
    return written;
  }
  return mpirun;
}

void MpiExecutor::Runs::Launch(const WorkerPlace& place, const fs::path& folder) {
  Run& run = runs_[place.id];
  run.node = place.node;
  run.folder = folder;
  std::error_code ignored;
  fs::remove(folder / "mpirun.log", ignored);
  const NodeSpec* node = nodes_.Find(place.node);
  auto mpirun = node == nullptr ? Result<ProcessId>(NotFound("its node has left", "UNKNOWN_NODE")) : Spawn(place, folder, *node);
  if (mpirun.ok()) {
    run.mpirun = *mpirun;
    run.state.where.node = node->name;
  } else {
    run.state.ended = true;
    run.state.why = mpirun.status().message();
  }
}

bool MpiExecutor::Runs::Adopt(const WorkerPlace& place, const fs::path& folder) {
  auto text = ReadFile(folder / kMpirunFileName);
  auto pids = text.ok() ? ParseWorkerPids(*text) : Result<WorkerPids>(text.status());
  if (!pids.ok() || pids->attempt != place.id.fence) {
    // What was started in the moment before the service died, and comes to life later, must not do anything.
    FenceUnstarted(folder, place.id.fence);
    return false;
  }
  Run& run = runs_[place.id];
  run.node = place.node;
  run.folder = folder;
  run.mpirun = pids->supervisor;
  run.child = false;
  if (const NodeSpec* node = nodes_.Find(place.node)) run.state.where.node = node->name;
  return true;
}

void MpiExecutor::Runs::Stop(const WorkerId& worker, bool hard) {
  auto found = runs_.find(worker);
  if (found == runs_.end() || found->second.mpirun.pid == 0) return;
  // mpirun passes SIGUSR1 on at once; on SIGTERM it would take seconds.
  (void)SignalProcess(found->second.mpirun, !hard ? SIGUSR1 : found->second.hard ? SIGKILL : SIGTERM);
  found->second.told_to_end = true;
  found->second.hard = hard;
}

void MpiExecutor::Runs::LookAt(Run& run, ExecutorListener& listener) {
  if (run.mpirun.pid == 0) return;
  bool orderly = true;  // of one that is no child of ours nobody knows: its record tells
  std::string why = "mpirun has ended";
  if (run.child) {
    auto exit = TryWaitChild(run.mpirun.pid);
    if (exit.ok() && !*exit) return;
    orderly = exit.ok() && (*exit)->signal == 0 && (*exit)->exit_code == 0;
    if (exit.ok()) why = "mpirun ended with " + (*exit)->ToString();
  } else {
    if (IsRunning(run.mpirun)) return;
    orderly = false;
  }
  run.mpirun = {};
  run.state.ended = true;
  run.state.orderly = orderly;
  run.state.why = why;
  if (!orderly && !run.told_to_end && !run.forgotten && run.child) nodes_.Suspect(run.node, why, listener);
}

// Keepalive does not notice a cut while something that was sent is not acknowledged: then an mpirun waits for a quarter of an hour.
void MpiExecutor::Runs::GiveUpSilent(Run& run, steady_clock::time_point now) const {
  if (run.mpirun.pid == 0 || now < run.look_at) return;
  run.look_at = now + kSignInterval;
  int64_t sign = SignOfLife(run.folder);
  if (nodes_.IsUp(run.node) || sign != std::exchange(run.sign, sign)) run.seen = now;
  if (now - run.seen < kSilence) return;
  LogWarning("mpirun {} is ended: its node is down, and its worker silent", run.mpirun.pid);
  (void)SignalProcess(run.mpirun, SIGKILL);
}

void MpiExecutor::Runs::Look(ExecutorListener& listener) {
  auto now = steady_clock::now();
  for (auto at = runs_.begin(); at != runs_.end();) {
    Run& run = at->second;
    LookAt(run, listener);
    GiveUpSilent(run, now);
    if (run.forgotten && run.mpirun.pid != 0 && now >= run.kill_at) (void)SignalProcess(run.mpirun, SIGKILL);
    at = run.forgotten && run.mpirun.pid == 0 ? runs_.erase(at) : std::next(at);
  }
  nodes_.Look(now, listener);
}

LaunchState MpiExecutor::Runs::StateOf(const WorkerId& worker) {
  auto found = runs_.find(worker);
  NS_CHECK(found != runs_.end(), "no launch of worker {}", worker.worker);
  return found->second.state;
}

void MpiExecutor::Runs::Forget(const WorkerId& worker) {
  auto found = runs_.find(worker);
  if (found == runs_.end()) return;
  found->second.forgotten = true;
  found->second.kill_at = steady_clock::now() + kLinger;
}

MpiExecutor::MpiExecutor(const MpiExecutorOptions& options) : options_(options) {}
MpiExecutor::~MpiExecutor() { workers_.reset(); }

Result<std::unique_ptr<MpiExecutor>> MpiExecutor::Create(const MpiExecutorOptions& options) {
  MpiExecutorOptions complete = options;
  complete.planner.teams = options.max_workers_per_task > 1;
  complete.planner.relayed = true;
  NS_RETURN_IF_ERROR(CompletePlanner(&complete.planner));
  NS_RETURN_IF_ERROR(CheckMpirun(options.mpirun));
  NS_ASSIGN_OR_RETURN(std::string content, WriteSharedFile(Runs::SharedFile(options.workspace)));
  LogInfo("nodes {}", options.outpost.given() ? fmt::format("get what they need from this service at {}, below '{}' of their own", fmt::join(options.outpost.addresses, ", "), options.planner.node_folder.string())
                                              : fmt::format("share the workspace '{}'", options.workspace.string()));
  std::unique_ptr<MpiExecutor> executor(new MpiExecutor(complete));
  executor->runs_ = std::make_unique<Runs>(executor->options_, content);
  executor->workers_ = std::make_unique<RemoteWorkers>(*executor->runs_);
  return executor;
}

void MpiExecutor::Listen(ExecutorListener* listener) { workers_->Listen(listener); }

Status MpiExecutor::Start(const WorkerPlace& place) {
  NS_RETURN_IF_ERROR(PrepareWorker(options_.planner, place));
  workers_->Start(place);
  return OkStatus();
}

void MpiExecutor::Adopt(const WorkerPlace& place, uint64_t after_seq) { workers_->Adopt(place, after_seq); }
void MpiExecutor::Stop(const WorkerId& worker) { workers_->Stop(worker); }

void MpiExecutor::NodeJoined(int64_t node, const NodeSpec& spec) {
  workers_->Post([this, node, spec] { runs_->nodes().Add(node, spec); });
}

void MpiExecutor::NodeLeft(int64_t node) {
  workers_->Post([this, node] { runs_->nodes().Remove(node); });
}

}  // namespace ns
