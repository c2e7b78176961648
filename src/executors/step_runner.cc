#include "executors/step_runner.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <optional>
#include <sstream>

#include "base/file.h"
#include "executors/process_tree.h"

namespace ns {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto kQuestion = std::chrono::seconds(2);  // between asking whether it was given up: it reads a file

void Limit(__rlimit_resource resource, uint64_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = std::min<rlim_t>(value, limit.rlim_max);
  ::setrlimit(resource, &limit);
}

Result<pid_t> ForkStep(const StepProcess& step, const SignalSet& signals) {
  pid_t self = ::getpid();
  pid_t pid = ::fork();
  if (pid < 0) return ErrnoStatus(errno, "cannot start a process");
  if (pid == 0) {
    BeStepOf(self);
    if (step.started_in) step.started_in();
    BecomeStep(step, signals.before);
  }
  ::setpgid(pid, pid);  // as the child does: whoever comes first
  return pid;
}

// Asks the step to end. Bubblewrap and the first process of its PID namespace would not pass the signal on: they end, and all with them.
void Terminate(pid_t pid, bool sandboxed) {
  if (!sandboxed) {
    ::kill(-pid, SIGTERM);
    return;
  }
  for (const TreeProcess& process : ProcessTree(pid, 10'000)) {
    if (process.depth >= 2) ::kill(process.pid, SIGTERM);
  }
}

// Waits for one step; a SIGTERM to us, the end of its time or a limit ends its group.
class Watcher {
 public:
  Watcher(pid_t pid, const StepProcess& step, const SignalSet& signals, ResourceWatch& watch)
      : pid_(pid), step_(step), signals_(signals), watch_(watch), next_look_(steady_clock::now() + ResourceWatch::kInterval) {
    if (step.time_limit_seconds > 0) limit_ = steady_clock::now() + milliseconds(static_cast<int64_t>(step.time_limit_seconds * 1000));
  }

  StepEnd Run() {
    while (true) {
      auto exit = TryWaitChild(pid_);
      if (exit.ok() && exit->has_value()) {
        end_.exit = **exit;
        return end_;
      }
      auto left = std::chrono::duration_cast<milliseconds>(NextTime() - steady_clock::now()).count();
      left = std::max<int64_t>(0, left) + 1;
      timespec wait{left / 1000, (left % 1000) * 1'000'000};
      int signal = ::sigtimedwait(&signals_.waited, nullptr, &wait);
      if (signal == SIGTERM || signal == SIGUSR1) {
        end_.stopped = true;
        end_.by_sigterm = signal == SIGTERM;
        if (!kill_at_) AskToEnd();
      }
      CheckTimes();
    }
  }

 private:
  steady_clock::time_point NextTime() const {
    if (kill_at_) return *kill_at_;
    return limit_ ? std::min(*limit_, next_look_) : next_look_;
  }

  void AskToEnd() {
    Terminate(pid_, step_.sandboxed);
    kill_at_ = steady_clock::now() + step_.grace;
    longest_ = steady_clock::now() + std::max(step_.grace, step_.long_grace);
  }

  // It writes the best it has so far.
  bool MayFinish(steady_clock::time_point now) const {
    std::error_code error;
    return now < longest_ && !step_.keeping.empty() && std::filesystem::is_regular_file(std::filesystem::symlink_status(step_.keeping, error));
  }

  void Kill() {
    ::kill(-pid_, SIGKILL);
    kill_at_ = steady_clock::now() + milliseconds(50);  // one that hangs in the kernel takes its time
  }

  void CheckTimes() {
    auto now = steady_clock::now();
    if (kill_at_ && now >= *kill_at_ && MayFinish(now)) kill_at_ = now + milliseconds(50);
    if (kill_at_ && now >= *kill_at_) return Kill();
    if (kill_at_) return;
    if (limit_ && now >= *limit_) {
      end_.timed_out = true;
      return AskToEnd();
    }
    if (now < next_look_) return;
    end_.limit = watch_.Look(pid_);
    if (end_.limit) return Kill();
    if (step_.given_up && now >= next_question_) {
      next_question_ = now + kQuestion;
      end_.stopped = step_.given_up();
      if (end_.stopped) return Kill();
    }
    next_look_ = steady_clock::now() + ResourceWatch::kInterval;
  }

  const pid_t pid_;
  const StepProcess& step_;
  const SignalSet& signals_;
  ResourceWatch& watch_;
  StepEnd end_;
  std::optional<steady_clock::time_point> kill_at_, limit_;
  steady_clock::time_point longest_;
  steady_clock::time_point next_look_, next_question_{};
};

// What the step left behind, also what it moved into sessions of its own: they are our children now (subreaper).
void EndLeftovers(pid_t pid, pid_t spared) {
  ::kill(-pid, SIGKILL);
  for (int round = 0; round < 100; ++round) {
    auto text = ReadFile(fmt::format("/proc/self/task/{}/children", ::getpid()));
    std::istringstream children(text.ok() ? *text : "");
    bool any = false;
    for (pid_t child; children >> child;) {
      if (child == spared) continue;
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
  for (int signal : {SIGTERM, SIGUSR1, SIGCHLD, SIGINT, SIGHUP}) sigaddset(&signals.waited, signal);
  ::sigprocmask(SIG_BLOCK, &signals.waited, &signals.before);
  return signals;
}

void BeStepOf(pid_t supervisor) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);  // it died before prctl
}

void BecomeStep(const StepProcess& step, const sigset_t& mask) {
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  Limit(RLIMIT_CORE, 0);
  if (step.open_files > 0) Limit(RLIMIT_NOFILE, step.open_files);
  if (step.file_bytes > 0) Limit(RLIMIT_FSIZE, step.file_bytes);
  // When memory runs out, the kernel takes a worker and not the service.
  int adjust = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (adjust >= 0) (void)!::write(adjust, "500", 3);
  std::vector<std::string> variables;
  for (const auto& [name, value] : step.environment) variables.push_back(name + "=" + value);
  std::vector<char*> argv, environment;
  for (const std::string& text : step.argv) argv.push_back(const_cast<char*>(text.c_str()));
  for (std::string& text : variables) environment.push_back(text.data());
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  if (::chdir(step.working_folder.c_str()) == 0) ::execve(argv[0], argv.data(), environment.data());
  std::string text = fmt::format("neural_solution: cannot run '{}': {}\n", step.argv[0], std::strerror(errno));
  (void)!::write(2, text.data(), text.size());
  ::_exit(127);
}

Result<StepEnd> RunStep(const StepProcess& step, const SignalSet& signals, ResourceWatch& watch, const std::function<void(pid_t)>& started,
                        const WaitingStep* waiting) {
  pid_t pid = waiting != nullptr && waiting->go() ? waiting->pid : 0;
  if (pid == 0) {
    NS_ASSIGN_OR_RETURN(pid, ForkStep(step, signals));
  }
  started(pid);
  StepEnd end = Watcher(pid, step, signals, watch).Run();
  EndLeftovers(pid, step.spared);
  // Bubblewrap ends as a shell does when what it ran was killed.
  if (step.sandboxed && end.exit.signal == 0 && end.exit.exit_code > 128 && end.exit.exit_code <= 128 + 64) {
    end.exit = {0, end.exit.exit_code - 128};
  }
  return end;
}

}  // namespace ns
