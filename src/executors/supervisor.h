// The small process between the service and a worker: `neural_solution supervise --task-folder DIR --attempt N -- WORKER ARGS...`.
//
// It runs in a session of its own and so outlives the service. It starts the worker in a process group of its own, writes worker.pid, waits,
// ends what the worker left running, and writes exit_status. The worker cannot outlive it (PR_SET_PDEATHSIG). SIGTERM ends the worker's
// whole group: SIGTERM, after `grace` SIGKILL.
// The worker's TMPDIR is the folder's tmp/, which goes with the worker.
// Fencing: it holds a lock on the task's folder for as long as it runs, and does nothing when task.json is of another attempt.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct SupervisorOptions {
  std::filesystem::path task_folder;
  int attempt = 1;
  std::vector<std::string> argv;           // of the worker
  std::chrono::milliseconds grace{1'500};  // from SIGTERM to SIGKILL
};

// Runs to the worker's end; the process's exit code. Never call it in a process with other threads.
int RunSupervisor(const SupervisorOptions& options);

// The same from a command line, argv[1] being "supervise". 64 for a bad one.
int SupervisorMain(int argc, char** argv);

// Takes task.json away when this attempt left no trace, so that a supervisor which was started but has not come to its lock yet does nothing.
void FenceUnstarted(const std::filesystem::path& task_folder, int attempt);

// True while a supervisor holds the folder's lock.
bool IsSupervised(const std::filesystem::path& task_folder);

}  // namespace ns
