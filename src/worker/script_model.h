// The model that a script saved, found and brought into the result folder.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "base/status.h"

namespace ns {

// The files below a folder, as paths from it; links are not followed.
std::set<std::filesystem::path> FilesBelow(const std::filesystem::path& folder);

// The only .onnx file below `run_folder` that is not among `before`. "" when there is none. FailedPrecondition (SEVERAL_MODELS) that names them.
Result<std::filesystem::path> OnlyNewModel(const std::filesystem::path& run_folder, const std::set<std::filesystem::path>& before);

// Copies `saved` (a file with its external data, or a folder; from `run_folder` unless absolute) into `result`: hard links where possible. Of a
// folder that holds `run_folder` only what is not among `before`. It must lie below `work_folder`, links included. FailedPrecondition
// (MODEL_NOT_THERE).
Status TakeModel(const std::filesystem::path& saved, const std::filesystem::path& run_folder, const std::filesystem::path& work_folder,
                 const std::set<std::filesystem::path>& before, const std::filesystem::path& result);

// Bytes of all files below a folder.
uint64_t BytesBelow(const std::filesystem::path& folder);

}  // namespace ns
