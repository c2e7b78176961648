// The small process between the service and the steps of an attempt: `neural_solution_supervisor --task-folder DIR --attempt N`.
//
// It runs in a session of its own and so outlives the service. It carries out steps.json (tasks/step_plan.h) one step after another, each in
// a process group of its own, and ends what a step left running. worker.pid says which step runs, exit_status how the last one ended: the
// first that failed, or the worker. No step can outlive it (PR_SET_PDEATHSIG). SIGTERM ends the running step's whole group: SIGTERM, after
// `grace` SIGKILL; no other step follows.
// Steps work in the plan's work folder; TMPDIR is tmp/ in it, which goes with the attempt. What they leave as result/ there becomes the
// task's result folder at the end.
// Fencing: it holds a lock on the task's folder for as long as it runs, and does nothing when steps.json is of another attempt.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/status.h"

namespace ns {

struct SupervisorOptions {
  std::filesystem::path task_folder;
  int attempt = 1;
  std::chrono::milliseconds grace{1'500};  // from SIGTERM to SIGKILL
};

// Runs to the end of the last step; the process's exit code. Never call it in a process with other threads.
int RunSupervisor(const SupervisorOptions& options);

// The same from a command line. 64 for a bad one.
int SupervisorMain(int argc, char** argv);

// Takes steps.json away when this attempt left no trace, so that a supervisor which was started but has not come to its lock yet does nothing.
void FenceUnstarted(const std::filesystem::path& task_folder, int attempt);

// True while a supervisor holds the folder's lock.
bool IsSupervised(const std::filesystem::path& task_folder);

}  // namespace ns
