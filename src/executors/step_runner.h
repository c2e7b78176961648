// One step of an attempt as a process group: started, watched, ended. For the supervisor: a process without other threads, a subreaper, that
// has blocked the signals it waits for.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"

namespace ns {

struct StepProcess {
  std::vector<std::string> argv;                   // argv[0] is an absolute path
  std::map<std::string, std::string> environment;  // set beside ours
  std::string working_folder;
  double time_limit_seconds = 0;                   // 0: none
  std::chrono::milliseconds grace{1'500};          // from SIGTERM to SIGKILL
};

struct StepEnd {
  ExitStatus exit;
  bool stopped = false;    // we were told to end (SIGTERM)
  bool timed_out = false;
};

// SIGTERM, SIGCHLD, SIGINT and SIGHUP blocked; `before` is the mask that steps get.
struct SignalSet {
  sigset_t waited;
  sigset_t before;
};
SignalSet BlockSupervisorSignals();

// Runs the step to its end and kills what it left running, also what moved into sessions of its own. `started` hears the step's pid.
// Exit code 127 when its program cannot be run. An error when there can be no process.
Result<StepEnd> RunStep(const StepProcess& step, const SignalSet& signals, const std::function<void(pid_t)>& started);

}  // namespace ns
