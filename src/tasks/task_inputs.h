// Inputs of a task that are not files below --upload_path: addresses, models of the Hugging Face hub (hub_name.h), and archives. A step before the worker (service/fetch_inputs.h) fetches
// and unpacks them into the task's folder, and inputs/inputs.json says where they are:
//   {"model_path": "/abs/.../inputs/model/model.onnx", "dataset_path": ..., "calibration_path": ..., "script_path": ...}
// with the paths that differ from task.json's.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.h"
#include "tasks/task_file.h"

namespace ns {

inline constexpr const char* kInputsFolderName = "inputs";  // in a task's folder; the worker reads it only
inline constexpr const char* kFetchStepName = "fetch";

// "scheme://..." of any scheme: text that means an address, not a path.
bool IsAddress(std::string_view text);
// "upload:<id>"
bool IsUploadReference(std::string_view text);
// By its name's end: .zip, .tar, .tar.gz, .tgz, .tar.xz, .txz, .tar.zst; upper or lower case.
bool IsArchiveName(std::string_view name);

// True when something has to be fetched or unpacked before the worker can start.
bool NeedsFetching(const TaskFile& task);

struct InputPaths {
  std::filesystem::path model_path, dataset_path, calibration_path, script_path;  // empty: as task.json says
};
std::string InputPathsToJson(const InputPaths& paths);
// InvalidArgument (BAD_TASK_FILE).
Result<InputPaths> ParseInputPaths(std::string_view json);

// What a worker works from: task.json of the folder, with the paths of inputs.json. Errors of files and of ParseTaskFile.
Result<TaskFile> ReadTaskFile(const std::filesystem::path& task_folder);

}  // namespace ns
