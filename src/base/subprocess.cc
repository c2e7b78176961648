#include "base/subprocess.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "base/file.h"

extern char** environ;

namespace ns {
namespace fs = std::filesystem;

namespace {

std::vector<std::string> Environment(const std::map<std::string, std::string>& set) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    if (!set.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : set) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the child needs, prepared before fork: between fork and exec only async-signal-safe calls are allowed.
struct ChildPlan {
  std::vector<std::string> argv_text, env_text;
  std::vector<char*> argv, env;
  std::string program;
  FileDescriptor in, out, err;
  cpu_set_t cores;
  bool pin = false;
};

Result<FileDescriptor> OpenForAppend(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  return fd;
}

Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (::access(name.c_str(), X_OK) == 0) return name;
  } else if (const char* path = std::getenv("PATH")) {
    std::istringstream folders(path);
    for (std::string folder; std::getline(folders, folder, ':');) {
      std::string candidate = folder + "/" + name;
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
  }
  return NotFound(fmt::format("cannot run '{}': no such program", name), "PROGRAM_NOT_FOUND");
}

[[noreturn]] void ExecChild(const ChildPlan& plan, const SpawnOptions& options, int report) {
  auto fail = [&] {
    int error = errno;
    (void)!::write(report, &error, sizeof(error));
    ::_exit(127);
  };
  if (options.new_session && ::setsid() < 0) fail();
  if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0) fail();
  int in = options.stdin_descriptor >= 0 ? options.stdin_descriptor : plan.in.get();
  if (in >= 0 && ::dup2(in, 0) < 0) fail();
  if (plan.out.valid() && ::dup2(plan.out.get(), 1) < 0) fail();
  int err = plan.err.valid() ? plan.err.get() : (options.stderr_file.empty() ? -1 : 1);
  if (err >= 0 && ::dup2(err, 2) < 0) fail();
  if (plan.pin && ::sched_setaffinity(0, sizeof(plan.cores), &plan.cores) != 0) fail();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) ::signal(signal, SIG_DFL);
  // Descriptors of ours are all close-on-exec, but a library may have opened one without.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(plan.program.c_str(), plan.argv.data(), plan.env.data());
  fail();
  ::_exit(127);
}

Result<ChildPlan> MakePlan(const SpawnOptions& options) {
  NS_CHECK(!options.argv.empty());
  ChildPlan plan;
  NS_ASSIGN_OR_RETURN(plan.program, FindProgram(options.argv[0]));
  plan.argv_text = options.argv;
  plan.env_text = Environment(options.set_environment);
  plan.argv = Pointers(plan.argv_text);
  plan.env = Pointers(plan.env_text);
  if (options.stdin_null) plan.in.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!options.stdout_file.empty()) {
    NS_ASSIGN_OR_RETURN(plan.out, OpenForAppend(options.stdout_file));
  }
  if (!options.stderr_file.empty() && options.stderr_file != options.stdout_file) {
    NS_ASSIGN_OR_RETURN(plan.err, OpenForAppend(options.stderr_file));
  }
  CPU_ZERO(&plan.cores);
  for (int core : options.pin_to_cores) CPU_SET(core, &plan.cores);
  plan.pin = !options.pin_to_cores.empty();
  return plan;
}

}  // namespace

Result<ProcessId> Spawn(const SpawnOptions& options) {
  NS_ASSIGN_OR_RETURN(ChildPlan plan, MakePlan(options));
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot make a pipe");
  FileDescriptor read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  pid_t pid = ::fork();
  if (pid < 0) return ErrnoStatus(errno, fmt::format("cannot start '{}'", options.argv[0]));
  if (pid == 0) ExecChild(plan, options, write_end.get());
  write_end.reset();
  int error = 0;
  ssize_t got;
  do {
    got = ::read(read_end.get(), &error, sizeof(error));
  } while (got < 0 && errno == EINTR);
  if (got == sizeof(error)) {
    (void)WaitChild(pid);
    Status status = ErrnoStatus(error, fmt::format("cannot run '{}'", options.argv[0]));
    return Status(status.code(), status.message(), "PROGRAM_NOT_FOUND");
  }
  auto identity = IdentifyProcess(pid);
  return identity.ok() ? *identity : ProcessId{pid, 0};
}

std::string ExitStatus::ToString() const {
  if (signal != 0) return fmt::format("signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("exit code {}", exit_code);
}

namespace {

ExitStatus Decode(int status) {
  ExitStatus result;
  if (WIFSIGNALED(status)) {
    result.signal = WTERMSIG(status);
  } else {
    result.exit_code = WEXITSTATUS(status);
  }
  return result;
}

}  // namespace

Result<ExitStatus> WaitChild(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, fmt::format("cannot wait for process {}", pid));
  }
  return Decode(status);
}

Result<std::optional<ExitStatus>> TryWaitChild(pid_t pid) {
  int status = 0;
  pid_t got = ::waitpid(pid, &status, WNOHANG);
  if (got < 0) return ErrnoStatus(errno, fmt::format("cannot wait for process {}", pid));
  if (got == 0) return std::optional<ExitStatus>();
  return std::optional<ExitStatus>(Decode(status));
}

Result<ProcessId> IdentifyProcess(pid_t pid) {
  auto missing = [&] { return NotFound(fmt::format("no process {}", pid), "NO_PROCESS"); };
  auto text = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!text.ok()) return missing();
  // "pid (name) state ppid ...": the name may hold spaces and brackets, so count from the last bracket; state is field 3.
  size_t bracket = text->rfind(')');
  if (bracket == std::string::npos || bracket + 2 >= text->size()) return missing();
  std::istringstream fields(text->substr(bracket + 2));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return missing();
  for (int index = 4; index <= 22; ++index) fields >> field;
  return ProcessId{pid, std::stoull(field)};
}

bool IsRunning(const ProcessId& process) {
  auto now = IdentifyProcess(process.pid);
  return now.ok() && now->start_ticks == process.start_ticks;
}

Status SignalGroup(const ProcessId& process, int signal) {
  if (process.pid <= 1 || !IsRunning(process)) return NotFound(fmt::format("no process {}", process.pid), "NO_PROCESS");
  if (::kill(-process.pid, signal) != 0) return ErrnoStatus(errno, fmt::format("cannot signal process group {}", process.pid));
  return OkStatus();
}

Status SignalProcess(const ProcessId& process, int signal) {
  if (process.pid <= 1 || !IsRunning(process)) return NotFound(fmt::format("no process {}", process.pid), "NO_PROCESS");
  if (::kill(process.pid, signal) != 0) return ErrnoStatus(errno, fmt::format("cannot signal process {}", process.pid));
  return OkStatus();
}

Result<fs::path> ThisProgram() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) return ErrnoStatus(error.value(), "cannot find the running program's file");
  return path;
}

}  // namespace ns
