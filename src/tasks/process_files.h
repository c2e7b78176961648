// What the supervisor of an attempt writes into the task's folder: worker.pid when a step runs, exit_status when the last one has ended.
//   worker.pid   {"attempt": 1, "supervisor": {"pid": 10, "start_ticks": 99}, "worker": {"pid": 11, "start_ticks": 99}}
//   exit_status  {"attempt": 1, "exit_code": 1, "signal": 0, "step": "environment", "reason": "...", "message": "..."}
// step, reason and message are left out where there is none.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "base/subprocess.h"

namespace ns {

// A worker's exit code when the disk is full: it could then not write down why it failed (28 is ENOSPC).
inline constexpr int kDiskFullExitCode = 28;

struct WorkerPids {
  int attempt = 0;
  ProcessId supervisor;
  ProcessId worker;  // the step that runs, the leader of its process group
};

struct ExitRecord {
  int attempt = 0;
  ExitStatus exit;      // of the step that ran last
  std::string step;     // its name
  std::string reason;   // what the attempt fails with; "": the exit says it
  std::string message;  // for people
};

std::string WorkerPidsToJson(const WorkerPids& pids);
std::string ExitRecordToJson(const ExitRecord& record);
// InvalidArgument (BAD_PROCESS_FILE).
Result<WorkerPids> ParseWorkerPids(std::string_view json);
Result<ExitRecord> ParseExitRecord(std::string_view json);

}  // namespace ns
