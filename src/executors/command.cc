#include "executors/command.h"

#include <csignal>
#include <sstream>

namespace ns {

using std::chrono::steady_clock;

namespace {

constexpr uint64_t kMostOutput = 16 << 20;

std::string Output(const std::filesystem::path& file) { return ReadFile(file, kMostOutput).value_or(""); }

}  // namespace

std::string CommandEnd::FirstLine() const {
  for (const std::string* text : {&err, &out}) {
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
      if (line.find_first_not_of("-= \t\r") == std::string::npos) continue;
      line.erase(line.find_last_not_of(" \t\r") + 1);
      return line.substr(line.find_first_not_of(" \t"), 300);
    }
  }
  return timed_out ? "it took too long" : exit.ToString();
}

ForeignCommand::ForeignCommand(TempDir folder, ProcessId process, steady_clock::time_point kill_at)
    : folder_(std::move(folder)), process_(process), kill_at_(kill_at) {}

ForeignCommand::ForeignCommand(ForeignCommand&& other) noexcept
    : folder_(std::move(other.folder_)), process_(std::exchange(other.process_, {})), kill_at_(other.kill_at_), timed_out_(other.timed_out_) {}

ForeignCommand& ForeignCommand::operator=(ForeignCommand&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  folder_ = std::move(other.folder_);
  process_ = std::exchange(other.process_, {});
  kill_at_ = other.kill_at_;
  timed_out_ = other.timed_out_;
  return *this;
}

ForeignCommand::~ForeignCommand() { Kill(); }

void ForeignCommand::Kill() {
  if (process_.pid == 0) return;
  (void)SignalGroup(process_, SIGKILL);
  (void)WaitChild(process_.pid);
  process_ = {};
}

Result<ForeignCommand> ForeignCommand::Start(const std::vector<std::string>& argv, std::chrono::milliseconds time_limit,
                               const std::map<std::string, std::string>& environment) {
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("neural_solution_command_"));
  SpawnOptions spawn;
  spawn.argv = argv;
  spawn.set_environment = environment;
  spawn.new_session = true;
  spawn.stdout_file = folder.path() / "out";
  spawn.stderr_file = folder.path() / "err";
  NS_ASSIGN_OR_RETURN(ProcessId process, Spawn(spawn));
  return ForeignCommand(std::move(folder), process, steady_clock::now() + time_limit);
}

std::optional<CommandEnd> ForeignCommand::Poll() {
  if (process_.pid == 0) return std::nullopt;
  auto exit = TryWaitChild(process_.pid);
  if (exit.ok() && !*exit) {
    if (steady_clock::now() >= kill_at_ && !std::exchange(timed_out_, true)) (void)SignalGroup(process_, SIGKILL);
    return std::nullopt;
  }
  process_ = {};
  CommandEnd end;
  if (exit.ok()) end.exit = **exit;
  end.timed_out = timed_out_;
  end.out = Output(folder_.path() / "out");
  end.err = Output(folder_.path() / "err");
  return end;
}

}  // namespace ns
