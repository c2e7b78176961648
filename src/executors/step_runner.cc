#include "executors/step_runner.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <sstream>

#include "base/file.h"

namespace ns {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

[[noreturn]] void Exec(const StepProcess& step, pid_t supervisor, const sigset_t& mask) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);  // it died before prctl
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  for (const auto& [name, value] : step.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& text : step.argv) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  if (::chdir(step.working_folder.c_str()) == 0) ::execv(argv[0], argv.data());
  std::string text = fmt::format("neural_solution: cannot run '{}': {}\n", step.argv[0], std::strerror(errno));
  (void)!::write(2, text.data(), text.size());
  ::_exit(127);
}

// Waits for the step; a SIGTERM to us, or the end of its time, ends its group.
StepEnd Watch(pid_t pid, const StepProcess& step, const SignalSet& signals) {
  StepEnd end;
  std::optional<steady_clock::time_point> kill_at, limit;
  if (step.time_limit_seconds > 0) limit = steady_clock::now() + milliseconds(static_cast<int64_t>(step.time_limit_seconds * 1000));
  auto terminate = [&] {
    ::kill(-pid, SIGTERM);
    kill_at = steady_clock::now() + step.grace;
  };
  while (true) {
    auto exit = TryWaitChild(pid);
    if (exit.ok() && exit->has_value()) {
      end.exit = **exit;
      return end;
    }
    timespec wait{60, 0};
    if (auto until = kill_at ? kill_at : limit) {
      auto left = std::max<int64_t>(0, std::chrono::duration_cast<milliseconds>(*until - steady_clock::now()).count()) + 1;
      wait = {left / 1000, (left % 1000) * 1'000'000};
    }
    int signal = ::sigtimedwait(&signals.waited, nullptr, &wait);
    if (signal == SIGTERM) {
      end.stopped = true;
      if (!kill_at) terminate();
    } else if (kill_at && steady_clock::now() >= *kill_at) {
      ::kill(-pid, SIGKILL);
      kill_at = steady_clock::now() + milliseconds(50);  // one that hangs in the kernel takes its time
    } else if (!kill_at && limit && steady_clock::now() >= *limit) {
      end.timed_out = true;
      terminate();
    }
  }
}

// What the step left behind, also what it moved into sessions of its own: they are our children now (subreaper).
void EndLeftovers(pid_t pid) {
  ::kill(-pid, SIGKILL);
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

SignalSet BlockSupervisorSignals() {
  SignalSet signals;
  sigemptyset(&signals.waited);
  for (int signal : {SIGTERM, SIGCHLD, SIGINT, SIGHUP}) sigaddset(&signals.waited, signal);
  ::sigprocmask(SIG_BLOCK, &signals.waited, &signals.before);
  return signals;
}

Result<StepEnd> RunStep(const StepProcess& step, const SignalSet& signals, const std::function<void(pid_t)>& started) {
  pid_t self = ::getpid();
  pid_t pid = ::fork();
  if (pid == 0) Exec(step, self, signals.before);
  if (pid < 0) return ErrnoStatus(errno, "cannot start a process");
  ::setpgid(pid, pid);  // as the child does: whoever comes first
  started(pid);
  StepEnd end = Watch(pid, step, signals);
  EndLeftovers(pid);
  return end;
}

}  // namespace ns
