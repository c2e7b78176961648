// The small process between the service and the steps of an attempt: `neural_solution_supervisor --task-folder DIR --attempt N`, or one that stood
// by for it (standby.h).
//
// It runs in a session of its own and so outlives the service. It carries out steps.json (tasks/step_plan.h) one step after another, each in
// a process group of its own, and ends what a step left running. worker.pid says which step runs, exit_status how the last one ended: the
// first that failed, or the worker. No step can outlive it (PR_SET_PDEATHSIG). SIGTERM ends the running step's whole group: SIGTERM, after
// `grace` SIGKILL; no other step follows. SIGUSR1 is the same: what mpirun passes on at once.
// Steps work in the plan's work folder; TMPDIR is tmp/ in it, which goes with the attempt. What they leave as result/ there becomes the
// task's result folder at the end.
// Fencing: it holds a lock on the task's folder for as long as it runs, and does nothing when steps.json is of another attempt, or when its attempt
// has ended already; when steps.json becomes another's while it runs, it ends its step at once and leaves no trace: it was given up.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct SupervisorOptions {
  std::filesystem::path task_folder;
  int attempt = 1;
  std::chrono::milliseconds grace{1'500};  // from SIGTERM to SIGKILL
  // Of one that stood by or runs on another machine; else it was started with these:
  std::filesystem::path log_file = {};  // its output is appended there; empty: stays as it is
  std::vector<int> cores = {};          // empty: all
  std::vector<int> node_cores = {};     // 0: the first of the cores that it may use on its machine, ...; instead of `cores`
  int pick_cores = 0;                   // so many of the cores that it may use on its machine, by the number of its Slurm job; instead of `cores`
  std::chrono::seconds lock_wait{10};   // for a supervisor before it to end
  // Another scheduler started it: SIGTERM is that one's, or comes when the process dies that started it, and leaves no exit_status, since the same
  // attempt may be started again elsewhere. The service says SIGUSR1.
  bool elsewhere = false;
  // Of an array of Slurm's: the fences of its workers, by number. The one that SLURM_ARRAY_TASK_ID names is this one's, and `task_folder` is the task's.
  std::map<int, int> members = {};
};

class Cgroup;
struct WaitingStep;

// Runs to the end of the last step; the process's exit code. Never call it in a process with other threads.
int RunSupervisor(const SupervisorOptions& options);
// The same with what was made ahead: steps run in `cgroup`, which gets the plan's limits; `waiting` is in it already and becomes the first step.
int RunSupervisor(const SupervisorOptions& options, Cgroup& cgroup, const WaitingStep* waiting);

// The options as words of a command line, and back. None for bad ones.
std::vector<std::string> SupervisorWords(const SupervisorOptions& options);
std::optional<SupervisorOptions> ParseSupervisorWords(const std::vector<std::string>& words);

// One of an array's members knows which it is. False: Slurm named none of them.
bool BecomeMember(SupervisorOptions* options);

// Makes the options' log, folder and cores this process's own. Errors of the system; FailedPrecondition (NO_CORES) when the machine has not as many.
Status TakeUp(const SupervisorOptions& options);

// What the program does. 64 for a bad command line.
int SupervisorMain(int argc, char** argv);

// Takes steps.json away when this attempt left no trace, so that a supervisor which was started but has not come to its lock yet does nothing.
void FenceUnstarted(const std::filesystem::path& task_folder, int attempt);

// A number that changes every two seconds while a supervisor of another scheduler runs its step in the folder; 0: there was none.
int64_t SignOfLife(const std::filesystem::path& task_folder);

// True while a supervisor holds the folder's lock.
bool IsSupervised(const std::filesystem::path& task_folder);

}  // namespace ns
