#include "executors/standby_pool.h"

#include <sys/socket.h>

#include "base/log.h"
#include "executors/standby.h"

namespace ns {

StandbyPool::StandbyPool(std::vector<std::string> command, size_t size) : command_(std::move(command)), size_(size) {}

StandbyPool::~StandbyPool() {
  std::vector<pid_t> ending;
  for (Waiting& one : waiting_) {
    one.request.reset();
    ending.push_back(one.process.pid);
  }
  for (pid_t pid : ending) (void)WaitChild(pid);
}

Result<StandbyPool::Waiting> StandbyPool::Start(const std::vector<std::string>& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return ErrnoStatus(errno, "cannot make a socket");
  Waiting one{{}, FileDescriptor(ends[0])};
  FileDescriptor theirs(ends[1]);
  SpawnOptions spawn;
  spawn.argv = command;
  spawn.argv.push_back("--standby");
  spawn.working_folder = "/";
  spawn.new_session = true;
  spawn.stdout_file = spawn.stderr_file = "/dev/null";
  spawn.stdin_descriptor = theirs.get();
  NS_ASSIGN_OR_RETURN(one.process, Spawn(spawn));
  return one;
}

void StandbyPool::Fill() {
  while (true) {
    {
      std::lock_guard lock(mutex_);
      if (waiting_.size() >= size_) return;
    }
    auto one = Start(command_);  // it takes milliseconds, for which nobody should wait
    if (!one.ok()) return LogWarning("no supervisor stands by: {}", one.status().message());
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(*one));
  }
}

std::optional<ProcessId> StandbyPool::Take(const std::vector<std::string>& words) {
  std::string packed = PackWords(words);
  while (true) {
    Waiting one;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty()) return std::nullopt;
      one = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (::send(one.request.get(), packed.data(), packed.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packed.size())) return one.process;
    one.request.reset();
    (void)WaitChild(one.process.pid);  // somebody killed it
  }
}

}  // namespace ns
