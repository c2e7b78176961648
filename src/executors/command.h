// A program of another scheduler (mpirun, sbatch, squeue) that is run without waiting for it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "base/subprocess.h"

namespace ns {

struct CommandEnd {
  ExitStatus exit;
  bool timed_out = false;  // it was killed for its time
  std::string out, err;    // at most 16 MiB each
  bool ok() const { return !timed_out && exit.signal == 0 && exit.exit_code == 0; }
  // The first line of what it said that is more than decoration ("--------"); "exit code 3" when it said nothing. For people.
  std::string FirstLine() const;
};

// Thread-compatible. A command that still runs is killed when its object goes.
class ForeignCommand {
 public:
  // In a session of its own. Errors as of Spawn(), and of the file system.
  static Result<ForeignCommand> Start(const std::vector<std::string>& argv, std::chrono::milliseconds time_limit,
                               const std::map<std::string, std::string>& environment = {});
  ~ForeignCommand();
  ForeignCommand(ForeignCommand&& other) noexcept;
  ForeignCommand& operator=(ForeignCommand&& other) noexcept;

  // None while it runs. After it gave its end it is not asked again.
  std::optional<CommandEnd> Poll();

 private:
  ForeignCommand(TempDir folder, ProcessId process, std::chrono::steady_clock::time_point kill_at);
  void Kill();

  TempDir folder_;
  ProcessId process_;  // pid 0: it has ended
  std::chrono::steady_clock::time_point kill_at_;
  bool timed_out_ = false;
};

}  // namespace ns
