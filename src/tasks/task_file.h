// task.json: what the service hands a worker, in the task's folder. The worker believes it; the service wrote it from a checked TaskSpec.
//
//   {"version": 1, "task_id": "...", "attempt": 1, "cores": [0, 1], "model_path": "/abs/model.onnx", "dataset_path": "/abs/rows.npz",
//    "calibration_path": "/abs/c.npz", "output_folder": "/abs/task_workspace/ID/work/result", "events_file": "/abs/.../events.jsonl", "cache_folder": "/abs/cache/KEY",
//    "deadline": "2026-01-31T12:00:00.000000Z", "spec": {the request, as POST /task/submit/ takes it}}
// calibration_path, cache_folder and deadline are left out where there is none. A script task has "script_path": "/abs/folder/x.py" instead of model_path.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/task_spec.h"

namespace ns {

struct TaskFile {
  std::string task_id;
  int attempt = 1;
  std::vector<int> cores;                    // the worker runs on these and no others
  std::filesystem::path model_path;          // absolute, existed at submission; empty: a script task
  std::filesystem::path script_path;         // of a script task: absolute; empty while its address has not been fetched
  std::filesystem::path dataset_path;        // absolute; empty: none
  std::filesystem::path calibration_path;    // absolute; empty: none, see spec.dataset->calibration_rows
  std::filesystem::path output_folder;       // absolute; made by the worker: model.onnx, report.json, recipe.json
  std::filesystem::path cache_folder;        // absolute, not written by the worker: what earlier tasks or attempts found out; empty: none
  std::filesystem::path events_file;         // absolute; appended by the worker
  std::optional<WallTime> deadline;          // the best so far is packaged when it comes
  TaskSpec spec;
};

std::string TaskFileToJson(const TaskFile& file);
// InvalidArgument (BAD_TASK_FILE).
Result<TaskFile> ParseTaskFile(std::string_view json);

// Names inside a task's folder. Its steps can write to events.jsonl and below work/ only; the rest is the service's and the supervisor's.
inline constexpr const char* kTaskFileName = "task.json";
inline constexpr const char* kEventsFileName = "events.jsonl";
inline constexpr const char* kResultFolderName = "result";  // complete, moved here from work/ by the supervisor
inline constexpr const char* kWorkFolderName = "work";      // an attempt's own
inline constexpr const char* kScratchFolderName = "tmp";    // in work/: the steps' TMPDIR; goes when the attempt ends
inline constexpr const char* kExitStatusFileName = "exit_status";
inline constexpr const char* kPidFileName = "worker.pid";

}  // namespace ns
