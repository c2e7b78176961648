#include "executors/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/replace_file.h"
#include "base/tree.h"
#include "executors/attempt_steps.h"
#include "executors/cgroup.h"
#include "executors/environment_use.h"
#include "executors/node_probe.h"
#include "executors/sandbox.h"
#include "executors/standby.h"
#include "executors/step_runner.h"
#include "executors/team_relay.h"
#include "tasks/cache_folder.h"
#include "tasks/event_log.h"
#include "tasks/keeping_file.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

fs::path LockFile(const fs::path& folder) { return folder / "supervisor.lock"; }

void Say(const std::string& text) {
  std::string line = "neural_solution: " + text + "\n";
  (void)!::write(2, line.data(), line.size());
}

// Waits for an earlier supervisor of this folder to end; on this machine it holds the lock for at most its grace.
Result<FileDescriptor> Lock(const fs::path& folder, std::chrono::seconds patience) {
  FileDescriptor lock(::open(LockFile(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", LockFile(folder).string()));
  auto until = steady_clock::now() + patience;
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (steady_clock::now() > until) return FailedPrecondition("another supervisor runs this task", "SUPERVISED");
    ::usleep(20'000);
  }
  return lock;
}

Status WritePids(const SupervisorOptions& options, pid_t worker) {
  WorkerPids pids{options.attempt, {}, {}};
  NS_ASSIGN_OR_RETURN(pids.supervisor, IdentifyProcess(::getpid()));
  // A worker that has ended already is a zombie: its pid is still ours, its start time no longer matters.
  pids.worker = IdentifyProcess(worker).value_or(ProcessId{worker, 0});
  return ReplaceFile(options.task_folder / kPidFileName, WorkerPidsToJson(pids));
}

off_t LogSize() {
  struct stat info {};
  return ::fstat(1, &info) == 0 && S_ISREG(info.st_mode) ? info.st_size : -1;
}

// The last line that is not empty of what the log got from `begin` on; at most 500 bytes.
std::string LastLogLine(off_t begin) {
  constexpr off_t kTail = 4096;
  off_t end = LogSize();
  FileDescriptor log(::open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC));
  if (begin < 0 || end <= begin || !log.valid()) return "";
  std::string tail(static_cast<size_t>(std::min(kTail, end - begin)), '\0');
  ssize_t got = ::pread(log.get(), tail.data(), tail.size(), end - static_cast<off_t>(tail.size()));
  tail.resize(static_cast<size_t>(std::max<ssize_t>(0, got)));
  size_t last = tail.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) return "";
  tail.resize(last + 1);
  size_t start = tail.find_last_of("\r\n");
  return tail.substr(start == std::string::npos ? 0 : start + 1).substr(0, 500);
}

// What the step's end means for the attempt, beside the exit itself.
void Judge(const Step& step, const StepEnd& end, off_t log_begin, ExitRecord* record) {
  record->exit = end.exit;
  record->step = step.name;
  if (end.stopped) return;
  if (end.limit) {
    record->reason = end.limit->reason;
    record->message = end.limit->message;
    return;
  }
  if (end.timed_out) {
    record->reason = "TIME_LIMIT";
    record->message = fmt::format("{} took longer than its {} s", step.name, step.time_limit_seconds);
  } else if (!step.failure_reason.empty() && end.exit.signal == 0 && end.exit.exit_code != 0 && end.exit.exit_code != kTryAgainExitCode) {
    std::string line = LastLogLine(log_begin);
    record->reason = step.failure_reason;
    record->message = line.empty() ? fmt::format("{} ended with exit code {}; see the task's log", step.name, end.exit.exit_code) : line;
  }
}

void TellStage(const fs::path& task_folder, const std::string& stage) {
  SystemClock clock;
  auto journal = EventLog::Open(task_folder / kEventsFileName, clock);
  Status status = journal.ok() ? (*journal)->Append(StageEvent{stage}) : journal.status();
  if (!status.ok()) Say(status.message());
}

// The folder that a step has as its /tmp. The step before may have put a link in its place, which bubblewrap would follow to wherever it leads.
Status MakeScratch(const fs::path& scratch) {
  std::error_code error;
  if (fs::symlink_status(scratch, error).type() == fs::file_type::directory) return OkStatus();
  NS_RETURN_IF_ERROR(RemoveTree(scratch));
  fs::create_directories(scratch, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", scratch.string())) : OkStatus();
}

// Its attempt was given up, and the next one begun: by a service that could not reach this machine.
bool IsOfAnother(const SupervisorOptions& options) {
  auto text = ReadFile(options.task_folder / kStepPlanFileName);
  if (text.status().code() == StatusCode::kNotFound) return true;
  auto plan = text.ok() ? ParseStepPlan(*text) : Result<StepPlan>(text.status());
  return plan.ok() && plan->attempt != options.attempt;
}

void GiveSignOfLife(const fs::path& folder) { (void)::utimensat(AT_FDCWD, LockFile(folder).c_str(), nullptr, 0); }

bool HasEnded(const SupervisorOptions& options) {
  auto text = ReadFile(options.task_folder / kExitStatusFileName);
  auto record = text.ok() ? ParseExitRecord(*text) : Result<ExitRecord>(text.status());
  return record.ok() && record->attempt == options.attempt;
}

// A worker that was killed for its memory and has said what it had in work (tasks/keeping_file.h) is started again, so many times.
constexpr int kMemoryRetries = 4;
constexpr const char* kMemoryLimit = "MEMORY_LIMIT";

bool MayBeTriedSmaller(const StepPlan& plan, const StepEnd& end) {
  if (end.stopped || !end.limit || end.limit->reason != kMemoryLimit) return false;
  std::error_code error;
  fs::rename(plan.work_folder / kInWorkFileName, plan.work_folder / kOutOfMemoryFileName, error);
  if (!error) (void)RemoveTree(plan.work_folder / kScratchFolderName);
  return !error;
}

Result<StepEnd> RunOne(const StepProcess& process, const SupervisorOptions& options, const StepPlan& plan, const SignalSet& signals, Cgroup& cgroup,
                       ResourceWatch& watch, const WaitingStep* waiting) {
  std::error_code ignored;  // of an attempt that ended otherwise
  for (const char* file : {kInWorkFileName, kOutOfMemoryFileName}) fs::remove(plan.work_folder / file, ignored);
  for (int retries = 0;; ++retries) {
    NS_RETURN_IF_ERROR(MakeScratch(plan.work_folder / kScratchFolderName));
    auto started = [&](pid_t pid) {
      if (Status status = WritePids(options, pid); !status.ok()) Say(status.message());
    };
    NS_ASSIGN_OR_RETURN(StepEnd end, RunStep(process, signals, watch, started, std::exchange(waiting, nullptr)));
    bool failed = end.exit.signal != 0 || end.exit.exit_code != 0;
    if (failed && !end.limit && cgroup.ranOutOfMemory()) end.limit = LimitReached{kMemoryLimit, "it took more memory than --task_memory allows"};
    if (retries == kMemoryRetries || !MayBeTriedSmaller(plan, end)) return end;
    Say("the worker was ended, " + end.limit->message + "; it is started again and takes less at a time");
    cgroup.ForgetOutOfMemory();
  }
}

// Another attempt may have more luck.
ExitRecord Lost(ExitRecord record, const std::string& step, const Status& why) {
  Say(why.message());
  record.exit = {kTryAgainExitCode, 0};
  record.step = step;
  return record;
}

ExitRecord RunSteps(const SupervisorOptions& options, const StepPlan& plan, const SignalSet& signals, Cgroup& cgroup, const WaitingStep* waiting,
                    bool* taken_away) {
  ExitRecord record{options.attempt, {}, "", "", ""};
  auto relay = TeamRelay::Start(plan.relay);
  if (!relay.ok()) {
    Say("workers on other machines cannot take part: " + relay.status().message());
    if (plan.relay.side == TeamRelayPlan::Side::kAssistant) return {options.attempt, {kTryAgainExitCode, 0}, "", "", ""};
  }
  ResourceWatch watch(plan.limits, {plan.work_folder, options.task_folder / kEventsFileName, LogSize() >= 0 ? 1 : -1}, cgroup);
  for (const Step& step : plan.steps) {
    if (step.name != kWorkerStepName) TellStage(options.task_folder, step.name);
    StepProcess process = ProcessOf(step, options, plan);
    process.started_in = [&cgroup] { cgroup.Join(); };
    process.spared = relay.ok() ? relay->pid() : 0;
    process.given_up = [&options] {
      if (IsOfAnother(options)) return true;
      if (options.elsewhere) GiveSignOfLife(options.task_folder);
      return false;
    };
    watch.SetStepFolders({step.sandbox.writable.begin(), step.sandbox.writable.end()});
    off_t log_begin = LogSize();
    auto end = RunOne(process, options, plan, signals, cgroup, watch, std::exchange(waiting, nullptr));
    if (!end.ok()) return Lost(record, step.name, end.status());
    *taken_away = options.elsewhere && end->stopped && end->by_sigterm;
    Judge(step, *end, log_begin, &record);
    if (end->stopped || end->exit.signal != 0 || end->exit.exit_code != 0) return record;
  }
  return record;
}

// The same for a plan with an environment: it is not removed meanwhile, and what a failed build leaves of it is removed at once, as the disk may be full of it.
ExitRecord RunWithEnvironment(const SupervisorOptions& options, const StepPlan& plan, const SignalSet& signals, Cgroup& cgroup,
                              const WaitingStep* waiting, bool* taken_away) {
  ExitRecord record{options.attempt, {}, "", "", ""};
  {
    auto use = EnvironmentUse::Begin(plan.environment);
    if (!use.ok()) return Lost(record, plan.steps[0].name, use.status());
    record = RunSteps(options, plan, signals, cgroup, waiting, taken_away);
  }
  if (!IsCompleteEnvironment(plan.environment)) (void)RemoveUnusedEnvironment(plan.environment);
  return record;
}

// The service reads what is in the result: nothing may lead it elsewhere, or keep it waiting.
Status RemoveAllButFiles(const fs::path& folder) {
  Status removed;
  Status walked = WalkTree(folder, S_IRWXU, [&](const TreeEntry& entry) {
    bool kept = S_ISREG(entry.info.st_mode) || S_ISDIR(entry.info.st_mode);
    if (!kept && ::unlinkat(entry.folder, entry.name, 0) != 0) removed = ErrnoStatus(errno, fmt::format("cannot remove '{}'", entry.name));
    return true;
  });
  return walked.ok() ? removed : walked;
}

// The result leaves the folder that steps can write to.
void CollectResult(const SupervisorOptions& options, const StepPlan& plan) {
  std::error_code error;
  fs::path made = plan.work_folder / kResultFolderName;
  if (fs::symlink_status(made, error).type() != fs::file_type::directory) return;
  if (Status status = RemoveAllButFiles(made); !status.ok()) {
    Say("the result is not taken: " + status.message());
    (void)RemoveTree(made);
    return;
  }
  fs::path result = options.task_folder / kResultFolderName;
  (void)RemoveTree(result);
  fs::rename(made, result, error);
  if (error) return Say(fmt::format("cannot move the result to '{}': {}", result.string(), error.message()));
  // The worker synced what is in it. The exit that is told next ends the task durably: its result must not be found elsewhere after a power cut.
  if (Status status = SyncFolder(options.task_folder); !status.ok()) Say(status.message());
}

// What was found out is of use whatever became of the attempt.
void CollectCache(const StepPlan& plan) {
  if (plan.cache_folder.empty()) return;
  if (Status status = MoveCacheEntries(plan.work_folder / kCacheFolderName, plan.cache_folder); !status.ok()) Say(status.message());
}

}  // namespace

void FenceUnstarted(const fs::path& task_folder, int attempt) {
  FileDescriptor lock(::open(LockFile(task_folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return;  // one runs: it is not unstarted
  auto pids = ReadFile(task_folder / kPidFileName);
  if (pids.ok()) {
    auto known = ParseWorkerPids(*pids);
    if (known.ok() && known->attempt == attempt) return;
  }
  if (!CurrentPlan(task_folder, attempt)) return;
  std::error_code ignored;
  fs::remove(task_folder / kStepPlanFileName, ignored);
}

int64_t SignOfLife(const fs::path& task_folder) {
  // Opened, so that a network file system asks its server.
  FileDescriptor lock(::open(LockFile(task_folder).c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!lock.valid() || ::fstat(lock.get(), &info) != 0) return 0;
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

bool IsSupervised(const fs::path& task_folder) {
  FileDescriptor lock(::open(LockFile(task_folder).c_str(), O_RDWR | O_CLOEXEC));
  if (!lock.valid()) return false;
  return ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0;  // taken here, it goes with the descriptor
}

int RunSupervisor(const SupervisorOptions& options, Cgroup& cgroup, const WaitingStep* waiting) {
  SignalSet signals = BlockSupervisorSignals();
  auto lock = Lock(options.task_folder, options.lock_wait);
  if (!lock.ok()) {
    Say(lock.status().message());
    return 1;
  }
  auto plan = CurrentPlan(options.task_folder, options.attempt);
  if (!plan || HasEnded(options)) return 0;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  cgroup.Limit(plan->limits);
  CollectCache(*plan);  // of a start of this attempt that was lost
  bool taken_away = false;
  ExitRecord record = (plan->environment.empty() ? RunSteps : RunWithEnvironment)(options, *plan, signals, cgroup, waiting, &taken_away);
  if (IsOfAnother(options)) return 0;
  if (taken_away) return CollectCache(*plan), kTryAgainExitCode;
  (void)RemoveTree(plan->work_folder / kScratchFolderName);
  CollectResult(options, *plan);
  CollectCache(*plan);
  Status status = ReplaceFile(options.task_folder / kExitStatusFileName, ExitRecordToJson(record));
  if (!status.ok()) Say(status.message());
  return status.ok() ? 0 : 1;
}

int RunSupervisor(const SupervisorOptions& options) {
  auto self = IdentifyProcess(::getpid());
  if (!self.ok()) return 1;
  Cgroup::RemoveAbandoned();
  Cgroup cgroup(Cgroup::NameOf(*self));
  return RunSupervisor(options, cgroup, nullptr);
}

namespace {

// Where Slurm confines a job to its cores, these are they. Where it does not, jobs with numbers in a row get cores in a row.
std::vector<int> PickCores(const std::vector<int>& usable, size_t count) {
  if (usable.size() <= count) return usable;
  const char* job = std::getenv("SLURM_JOB_ID");
  size_t first = job == nullptr ? 0 : std::strtoul(job, nullptr, 10) * count;
  std::vector<int> picked;
  for (size_t i = 0; i < count; ++i) picked.push_back(usable[(first + i) % usable.size()]);
  return picked;
}

}  // namespace

Status TakeUp(const SupervisorOptions& options) {
  pid_t parent = ::getppid();
  if (options.elsewhere && (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != parent)) return Unavailable("its starter is gone", "NO_PARENT");
  if (!options.log_file.empty()) {
    FileDescriptor log(::open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.valid() || ::dup2(log.get(), 1) < 0 || ::dup2(log.get(), 2) < 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", options.log_file.string()));
  }
  if (::chdir(options.task_folder.c_str()) != 0) return ErrnoStatus(errno, fmt::format("cannot enter '{}'", options.task_folder.string()));
  std::vector<int> cores = options.cores, usable = options.node_cores.empty() ? std::vector<int>() : UsableCores();
  for (int core : options.node_cores) {
    if (core < 0 || static_cast<size_t>(core) >= usable.size()) {
      return FailedPrecondition(fmt::format("this machine has {} usable cores, and core {} was asked for", usable.size(), core + 1), "NO_CORES");
    }
    cores.push_back(usable[static_cast<size_t>(core)]);
  }
  if (options.pick_cores > 0) cores = PickCores(UsableCores(), static_cast<size_t>(options.pick_cores));
  if (!cores.empty() && !PinThisThread(cores)) return ErrnoStatus(errno, "cannot run on the cores of the slot");
  return OkStatus();
}

int SupervisorMain(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "enter") == 0) return EnterMain(argc, argv);
  if (argc == 2 && std::strcmp(argv[1], "--standby") == 0) return StandBy();
  if (argc > 1 && std::strcmp(argv[1], "--probe") == 0) return ProbeMain({argv + 2, argv + argc});
  auto options = ParseSupervisorWords({argv + std::min(argc, 1), argv + argc});
  if (!options || !BecomeMember(&*options)) {
    std::fprintf(stderr, "usage: neural_solution_supervisor --task-folder DIR --attempt N | --standby | --probe ...\n");
    return 64;
  }
  if (Status status = TakeUp(*options); !status.ok()) {
    Say(status.message());
    return 1;
  }
  return RunSupervisor(*options);
}

}  // namespace ns
