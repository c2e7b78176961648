#include "executors/standby.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/subprocess.h"
#include "executors/attempt_steps.h"
#include "executors/cgroup.h"
#include "executors/supervisor.h"

namespace ns {

namespace {

// Nothing is at the standard input any more.
void LeaveRequest() {
  FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid() || ::dup2(null.get(), 0) < 0) ::_exit(127);
}

// In the child: waits, and is the first step of the attempt that comes.
[[noreturn]] void WaitToBeStep(int words_fd, const sigset_t& mask) {
  auto words = ReadWords(words_fd);
  auto options = words.ok() ? ParseSupervisorWords(*words) : std::nullopt;
  if (!options || !TakeUp(*options).ok()) ::_exit(127);
  auto plan = CurrentPlan(options->task_folder, options->attempt);
  if (!plan) ::_exit(127);
  BecomeStep(ProcessOf(plan->steps.front(), *options, *plan), mask);
}

// The child that waits in the control groups. Gone, with its end, when this is.
class FirstStep {
 public:
  FirstStep(const Cgroup& cgroup, const sigset_t& mask) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    FileDescriptor read_end(ends[0]);
    go_.reset(ends[1]);
    pid_t self = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      BeStepOf(self);
      go_.reset();
      LeaveRequest();  // the service shall see it when we are gone, whatever becomes of this process
      cgroup.Join();
      WaitToBeStep(read_end.get(), mask);
    }
    if (pid_ > 0) ::setpgid(pid_, pid_);  // as the child does: whoever comes first
  }
  ~FirstStep() {
    go_.reset();
    if (pid_ > 0 && !gone_) ::waitpid(pid_, nullptr, 0);
  }
  FirstStep(const FirstStep&) = delete;
  FirstStep& operator=(const FirstStep&) = delete;

  // False when it has died.
  bool Go(const std::vector<std::string>& words) {
    std::string packed = PackWords(words);
    bool sent = pid_ > 0 && ::send(go_.get(), packed.data(), packed.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packed.size());
    if (!sent) return false;
    go_.reset();
    gone_ = true;
    return true;
  }
  pid_t pid() const { return pid_; }

 private:
  FileDescriptor go_;
  pid_t pid_ = -1;
  bool gone_ = false;
};

}  // namespace

std::string PackWords(const std::vector<std::string>& words) {
  std::string packed;
  for (const std::string& word : words) packed.append(word).push_back('\0');
  packed.push_back('\0');
  return packed;
}

Result<std::vector<std::string>> ReadWords(int fd) {
  std::vector<std::string> words;
  std::string word;
  char buffer[4096];
  while (true) {
    ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Unavailable("no attempt came", "NO_WORDS");
    for (char c : std::string_view(buffer, static_cast<size_t>(got))) {
      if (c != '\0') {
        word.push_back(c);
      } else if (word.empty()) {
        return words;
      } else {
        words.push_back(std::exchange(word, {}));
      }
    }
  }
}

int StandBy() {
  auto self = IdentifyProcess(::getpid());
  if (!self.ok()) return 1;
  Cgroup::RemoveAbandoned();
  Cgroup cgroup(Cgroup::NameOf(*self));
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  FirstStep first(cgroup, mask);
  auto words = ReadWords(0);
  if (!words.ok()) return 0;
  LeaveRequest();
  auto options = ParseSupervisorWords(*words);
  if (!options || !TakeUp(*options).ok()) return 1;
  WaitingStep waiting{first.pid(), [&] { return first.Go(*words); }};
  return RunSupervisor(*options, cgroup, &waiting);
}

}  // namespace ns
