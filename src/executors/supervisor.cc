#include "executors/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <sstream>

#include "base/file.h"
#include "base/subprocess.h"
#include "tasks/process_files.h"
#include "tasks/task_file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

fs::path LockFile(const fs::path& folder) { return folder / "supervisor.lock"; }

void Say(const std::string& text) { (void)!::write(2, (text + "\n").data(), text.size() + 1); }

// Waits for an earlier supervisor of this folder to end; it holds the lock for at most its grace.
Result<FileDescriptor> Lock(const fs::path& folder) {
  FileDescriptor lock(::open(LockFile(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", LockFile(folder).string()));
  auto until = steady_clock::now() + std::chrono::seconds(10);
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (steady_clock::now() > until) return FailedPrecondition("another supervisor runs this task", "SUPERVISED");
    ::usleep(20'000);
  }
  return lock;
}

bool IsCurrentAttempt(const SupervisorOptions& options) {
  auto text = ReadFile(options.task_folder / kTaskFileName);
  if (!text.ok()) return false;
  auto file = ParseTaskFile(*text);
  return file.ok() && file->attempt == options.attempt;
}

[[noreturn]] void ExecWorker(const SupervisorOptions& options, pid_t supervisor, const sigset_t& mask) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);  // it died before prctl
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::setenv("TMPDIR", (options.task_folder / kScratchFolderName).c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& text : options.argv) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  Say(fmt::format("neural_solution: cannot run '{}': {}", options.argv[0], std::strerror(errno)));
  ::_exit(127);
}

Status WritePids(const SupervisorOptions& options, pid_t worker) {
  WorkerPids pids{options.attempt, {}, {}};
  NS_ASSIGN_OR_RETURN(pids.supervisor, IdentifyProcess(::getpid()));
  // A worker that has ended already is a zombie: its pid is still ours, its start time no longer matters.
  pids.worker = IdentifyProcess(worker).value_or(ProcessId{worker, 0});
  return WriteFileAtomic(options.task_folder / kPidFileName, WorkerPidsToJson(pids));
}

// Waits for the worker; a SIGTERM to us ends its group.
ExitStatus Watch(pid_t worker, const sigset_t& signals, milliseconds grace) {
  std::optional<steady_clock::time_point> kill_at;
  while (true) {
    auto exit = TryWaitChild(worker);
    if (exit.ok() && exit->has_value()) return **exit;
    timespec wait{60, 0};
    if (kill_at) {
      auto left = std::max<int64_t>(0, std::chrono::duration_cast<milliseconds>(*kill_at - steady_clock::now()).count());
      wait = {left / 1000, (left % 1000) * 1'000'000};
    }
    int signal = ::sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGTERM && !kill_at) {
      ::kill(-worker, SIGTERM);
      kill_at = steady_clock::now() + grace;
    } else if (signal < 0 && errno == EAGAIN && kill_at) {
      ::kill(-worker, SIGKILL);
      kill_at = steady_clock::now() + milliseconds(50);  // one that hangs in the kernel takes its time
    }
  }
}

// What the worker left behind, also what it moved into sessions of its own: they are our children now (subreaper).
void EndLeftovers(pid_t worker) {
  ::kill(-worker, SIGKILL);
  for (int round = 0; round < 100; ++round) {
    auto text = ReadFile(fmt::format("/proc/self/task/{}/children", ::getpid()));
    std::istringstream children(text.ok() ? *text : "");
    bool any = false;
    for (pid_t child; children >> child;) {
      any = true;
      ::kill(child, SIGKILL);
    }
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (!any) return;
    ::usleep(1'000);
  }
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
  if (!IsCurrentAttempt({task_folder, attempt, {}})) return;
  std::error_code ignored;
  fs::remove(task_folder / kTaskFileName, ignored);
}

bool IsSupervised(const fs::path& task_folder) {
  FileDescriptor lock(::open(LockFile(task_folder).c_str(), O_RDWR | O_CLOEXEC));
  if (!lock.valid()) return false;
  return ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0;  // taken here, it goes with the descriptor
}

int RunSupervisor(const SupervisorOptions& options) {
  sigset_t signals, before;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGCHLD, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  auto lock = Lock(options.task_folder);
  if (!lock.ok()) {
    Say("neural_solution: " + lock.status().message());
    return 1;
  }
  if (!IsCurrentAttempt(options)) return 0;
  // A worker that is killed then leaves nothing outside of its task's folder.
  fs::path scratch = options.task_folder / kScratchFolderName;
  std::error_code error;
  fs::create_directories(scratch, error);
  if (error) Say(fmt::format("neural_solution: cannot make '{}': {}", scratch.string(), error.message()));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t self = ::getpid();
  pid_t worker = ::fork();
  if (worker == 0) ExecWorker(options, self, before);
  if (worker < 0) {
    Say(fmt::format("neural_solution: cannot start a worker: {}", std::strerror(errno)));
    return 1;
  }
  ::setpgid(worker, worker);  // as the child does: whoever comes first
  if (Status status = WritePids(options, worker); !status.ok()) Say("neural_solution: " + status.message());
  ExitStatus exit = Watch(worker, signals, options.grace);
  EndLeftovers(worker);
  fs::remove_all(scratch, error);
  Status status = WriteFileAtomic(options.task_folder / kExitStatusFileName, ExitRecordToJson({options.attempt, exit}));
  if (!status.ok()) Say("neural_solution: " + status.message());
  return status.ok() ? 0 : 1;
}

int SupervisorMain(int argc, char** argv) {
  SupervisorOptions options;
  int at = 2;
  for (; at + 1 < argc && std::strcmp(argv[at], "--") != 0; at += 2) {
    std::string_view name = argv[at], value = argv[at + 1];
    if (name == "--task-folder") {
      options.task_folder = value;
    } else if (name == "--attempt") {
      std::from_chars(value.data(), value.data() + value.size(), options.attempt);
    } else {
      break;
    }
  }
  bool good = at < argc && std::strcmp(argv[at], "--") == 0 && at + 1 < argc && !options.task_folder.empty();
  if (!good) {
    std::fprintf(stderr, "usage: neural_solution supervise --task-folder DIR --attempt N -- WORKER ARGS...\n");
    return 64;
  }
  options.argv.assign(argv + at + 1, argv + argc);
  return RunSupervisor(options);
}

}  // namespace ns
