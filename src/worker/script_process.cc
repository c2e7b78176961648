#include "worker/script_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "base/file.h"

namespace ns {

namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxLine = 64 << 10;
constexpr std::chrono::milliseconds kLastWords{500};  // for output that children still hold after the script's end

class LineSplitter {
 public:
  explicit LineSplitter(const std::function<Status(std::string_view)>& line) : line_(line) {}

  Status Add(std::string_view bytes) {
    rest_ += bytes;
    size_t start = 0;
    for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
      NS_RETURN_IF_ERROR(line_(std::string_view(rest_).substr(start, end - start)));
    }
    rest_.erase(0, start);
    return rest_.size() < kMaxLine ? OkStatus() : Flush();
  }
  Status Flush() {
    if (rest_.empty()) return OkStatus();
    Status status = line_(rest_);
    rest_.clear();
    return status;
  }

 private:
  const std::function<Status(std::string_view)>& line_;
  std::string rest_;
};

// What is there to read now; false at the end of the file.
Result<bool> ReadSome(int fd, LineSplitter& lines) {
  char buffer[1 << 14];
  while (true) {
    ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got == 0) return false;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0) return ErrnoStatus(errno, "cannot read the script's output");
    NS_RETURN_IF_ERROR(lines.Add(std::string_view(buffer, static_cast<size_t>(got))));
  }
}

// Reads until the process has ended and its output, too, or `stop` comes.
Result<ExitStatus> Follow(pid_t pid, int output, std::stop_token stop, LineSplitter& lines) {
  std::optional<ExitStatus> exit;
  bool open = true;
  steady_clock::time_point give_up;
  while (!exit || (open && steady_clock::now() < give_up)) {
    if (stop.stop_requested()) return Cancelled();
    pollfd wait{output, POLLIN, 0};
    (void)::poll(&wait, open ? 1 : 0, 50);
    if (open) {
      NS_ASSIGN_OR_RETURN(open, ReadSome(output, lines));
    }
    if (exit) continue;
    NS_ASSIGN_OR_RETURN(exit, TryWaitChild(pid));
    if (!exit) continue;
    ::kill(-pid, SIGKILL);  // what it left running
    give_up = steady_clock::now() + kLastWords;
  }
  NS_RETURN_IF_ERROR(lines.Flush());
  return *exit;
}

}  // namespace

Result<ExitStatus> RunScriptProcess(const ScriptProcess& script, std::stop_token stop, const std::function<Status(std::string_view)>& line) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "cannot make a pipe");
  FileDescriptor output(ends[0]), input(ends[1]);
  (void)::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  SpawnOptions spawn;
  spawn.argv = script.argv;
  spawn.working_folder = script.working_folder;
  spawn.set_environment = script.environment;
  spawn.new_session = true;  // a group of its own
  // Opened anew by name, as every output of Spawn: a pipe can be.
  spawn.stdout_file = spawn.stderr_file = fmt::format("/proc/{}/fd/{}", ::getpid(), input.get());
  NS_ASSIGN_OR_RETURN(ProcessId child, Spawn(spawn));
  input.reset();
  LineSplitter lines(line);
  auto exit = Follow(child.pid, output.get(), stop, lines);
  if (!exit.ok()) {
    ::kill(-child.pid, SIGKILL);
    (void)WaitChild(child.pid);
  }
  return exit;
}

}  // namespace ns
