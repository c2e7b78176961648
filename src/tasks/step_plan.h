// steps.json: what an attempt's supervisor runs, in the task's folder. Steps run one after another; the last one is the worker.
//
//   {"attempt": 1, "work_folder": "/abs/task_workspace/ID/work", "sandbox": true, "hidden": "/abs", "limits": {"memory_bytes": 1, ...},
//    "steps": [{"name": "worker", "argv": ["/abs/neural_solution_worker", ...], "sandbox": {"network": false, "read_only": ["/data"], "writable": [], "shared": []}}]}
// The environment, the cache_folder and the relay, and a step's environment, time_limit_seconds and failure_reason are left out where there is none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// What a step sees beside the system (docs/design/sandbox.md). Paths are absolute and seen where they are; one that is not there is left out.
// Without a sandbox all this has no effect.
struct SandboxProfile {
  bool network = false;
  std::vector<std::string> read_only;
  std::vector<std::string> writable;
  std::vector<std::string> shared;  // writable by several tasks, and kept small by those who write there: the disk limit does not count it
  bool operator==(const SandboxProfile&) const = default;
};

// Of one attempt, all its processes together. 0: no limit.
struct ResourceLimits {
  uint64_t memory_bytes = 0;     // memory that no file backs
  uint64_t processes = 0;        // threads count, as they do for the kernel
  uint64_t disk_bytes = 0;       // below the work folder and what else the step can write to, in deleted files that are still open, and in the log
  uint64_t free_disk_bytes = 0;  // what must stay free on the disk for the attempt to go on writing
  uint64_t open_files = 0;       // of one process
  bool operator==(const ResourceLimits&) const = default;
};

struct Step {
  std::string name;               // "fetch", "environment", "worker": shown as the task's stage when the attempt has several steps
  std::vector<std::string> argv;  // argv[0] is an absolute path
  std::map<std::string, std::string> environment;  // set beside what every step gets
  double time_limit_seconds = 0;  // 0: none. A step that takes longer is ended, and its attempt fails with TIME_LIMIT
  // What an attempt fails with when this step exits with another code than 0, and the step's last line of output as the message. Exit code
  // kTryAgainExitCode is a lost attempt instead. Empty: the service judges the exit (the worker's).
  std::string failure_reason;
  SandboxProfile sandbox = {};
};

// Of a worker whose team may be on other machines: the connections that its supervisor relays while it runs (executors/team_relay.h).
struct TeamRelayPlan {
  enum class Side { kNone, kLead, kAssistant };
  Side side = Side::kNone;
  std::filesystem::path socket = {};        // absolute; the lead listens there; an assistant connects there
  std::filesystem::path address_file = {};  // absolute; where the lead's machine listens: its supervisor writes that, an assistant's reads it
  std::string network = {};                 // of a lead: by which of its machine's addresses it is reached ("10.1.0.0/16"); "": any
  bool operator==(const TeamRelayPlan&) const = default;
};

struct StepPlan {
  int attempt = 1;
  std::filesystem::path work_folder;  // absolute; made when it is not there; the steps' working folder
  bool sandbox = true;                // steps run under bubblewrap
  std::filesystem::path hidden;       // absolute: never seen but for the attempt's own files (the workspace); empty: nothing
  std::filesystem::path environment;  // absolute: the folder of the script's environment, kept while the attempt runs; empty: it needs none
  std::filesystem::path cache_folder; // absolute; what an attempt keeps of its tuning is moved there when it ends; empty: dropped
  ResourceLimits limits;
  TeamRelayPlan relay;
  std::vector<Step> steps;            // at least one
};

inline constexpr const char* kStepPlanFileName = "steps.json";
inline constexpr const char* kWorkerStepName = "worker";
// "The failure is not the task's": an address that does not answer, a machine out of memory (EX_TEMPFAIL of sysexits.h).
inline constexpr int kTryAgainExitCode = 75;

std::string StepPlanToJson(const StepPlan& plan);
// InvalidArgument (BAD_STEP_PLAN).
Result<StepPlan> ParseStepPlan(std::string_view json);

}  // namespace ns
