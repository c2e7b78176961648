// One step of an attempt as a process group: started, watched, ended. For the supervisor: a process without other threads, a subreaper, that
// has blocked the signals it waits for.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"
#include "executors/resource_watch.h"

namespace ns {

struct StepProcess {
  std::vector<std::string> argv;                   // argv[0] is an absolute path
  std::map<std::string, std::string> environment;  // all of it
  std::string working_folder;
  bool sandboxed = false;                          // argv is bubblewrap's: what it runs is told to end, not bubblewrap itself
  std::function<void()> started_in;                // called in the new process, before its program
  pid_t spared = 0;                                // a child of ours that goes on when the step's leftovers are ended; 0: none
  std::function<bool()> given_up;                  // asked now and then: true ends the step at once
  uint64_t open_files = 0;                         // limit of one process; 0: ours
  uint64_t file_bytes = 0;                         // ... of one file it writes; 0: none
  double time_limit_seconds = 0;                   // 0: none
  std::chrono::milliseconds grace{1'500};          // from SIGTERM to SIGKILL
  std::filesystem::path keeping;                   // while this exists: `long_grace`; empty: no such file
  std::chrono::milliseconds long_grace{10'000};
};

struct StepEnd {
  ExitStatus exit;
  bool stopped = false;    // we were told to end, or it was given up
  bool by_sigterm = false; // ... by SIGTERM
  bool timed_out = false;
  std::optional<LimitReached> limit;  // that it was killed for
};

// SIGTERM, SIGUSR1, SIGCHLD, SIGINT and SIGHUP blocked; `before` is the mask that steps get.
struct SignalSet {
  sigset_t waited;
  sigset_t before;
};
SignalSet BlockSupervisorSignals();

// Makes this process, which was forked for it, the step. Never returns: exit code 127 when its program cannot be run.
[[noreturn]] void BecomeStep(const StepProcess& step, const sigset_t& mask);

// To be called first in a process that was forked to become a step: it leads a group of its own and ends with its supervisor.
void BeStepOf(pid_t supervisor);

// A process, child of this one, that waits to become a step (executors/standby.h).
struct WaitingStep {
  pid_t pid = 0;
  std::function<bool()> go;  // false: it has died
};

// Runs the step to its end and kills what it left running, also what moved into sessions of its own. A step
// over a limit of `watch` is killed. `started` hears the step's pid. `waiting` becomes the step where it can; else a new process
// does.
// Exit code 127 when its program cannot be run. An error when there can be no process.
Result<StepEnd> RunStep(const StepProcess& step, const SignalSet& signals, ResourceWatch& watch, const std::function<void(pid_t)>& started,
                        const WaitingStep* waiting = nullptr);

}  // namespace ns
