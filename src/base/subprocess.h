// Processes started from an argument vector (never through a shell), and processes known only by pid and start time.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

// A process of this machine that is still the one we mean: a pid alone may have been given to another process.
struct ProcessId {
  pid_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/<pid>/stat: clock ticks after boot
  bool operator==(const ProcessId&) const = default;
};

struct SpawnOptions {
  std::vector<std::string> argv;             // argv[0]: the program's path (searched in PATH when it has no slash)
  std::filesystem::path working_folder;      // empty: ours
  std::map<std::string, std::string> set_environment;
  bool new_session = false;                  // setsid: it outlives us and our terminal's Ctrl-C
  std::filesystem::path stdout_file;         // appended; empty: ours
  std::filesystem::path stderr_file;         // appended; the same path as stdout_file shares the descriptor
  bool stdin_null = true;
  int stdin_descriptor = -1;                 // ours, copied; comes before stdin_null
  std::vector<int> pin_to_cores;             // empty: as ours
};

// Starts the program; all descriptors but 0-2 are closed in it. NotFound (PROGRAM_NOT_FOUND) when it cannot be executed: the failure of
// exec itself is reported here, not as an exit status.
Result<ProcessId> Spawn(const SpawnOptions& options);

struct ExitStatus {
  int exit_code = 0;    // valid when signal is 0
  int signal = 0;       // that ended it, or 0
  // "exit code 3", "signal 9 (Killed)"
  std::string ToString() const;
};

// Waits for a child of ours.
Result<ExitStatus> WaitChild(pid_t pid);
// Without waiting: none while it runs.
Result<std::optional<ExitStatus>> TryWaitChild(pid_t pid);

// The process with this pid now. NotFound (NO_PROCESS).
Result<ProcessId> IdentifyProcess(pid_t pid);
// True while this very process runs (a zombie does not).
bool IsRunning(const ProcessId& process);
// Sends `signal` to the process group that `process` leads, if it is still that process. NotFound (NO_PROCESS) when it has gone.
Status SignalGroup(const ProcessId& process, int signal);
Status SignalProcess(const ProcessId& process, int signal);

// The path of the running program's file, links resolved.
Result<std::filesystem::path> ThisProgram();

}  // namespace ns
