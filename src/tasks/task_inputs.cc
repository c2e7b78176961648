#include "tasks/task_inputs.h"

#include <algorithm>

#include "base/file.h"
#include "tasks/hub_name.h"
#include "tasks/json_fields.h"

namespace ns {
namespace fs = std::filesystem;

bool IsAddress(std::string_view text) { return text.find("://") != std::string_view::npos; }

bool IsUploadReference(std::string_view text) { return text.starts_with("upload:"); }

bool IsArchiveName(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* end : {".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst"}) {
    if (lower.ends_with(end)) return true;
  }
  return false;
}

bool NeedsFetching(const TaskFile& task) {
  if (IsAddress(task.spec.model) || IsAddress(task.spec.script_url)) return true;
  if (task.model_path.empty() && IsHubName(task.spec.model)) return true;
  if (task.spec.dataset && (IsAddress(task.spec.dataset->path) || IsAddress(task.spec.dataset->calibration_path))) return true;
  return IsArchiveName(task.model_path.string()) || IsArchiveName(task.dataset_path.string()) || IsArchiveName(task.calibration_path.string());
}

std::string InputPathsToJson(const InputPaths& paths) {
  Json json = Json::object();
  SetUnlessEmpty(json, "model_path", paths.model_path.string());
  SetUnlessEmpty(json, "dataset_path", paths.dataset_path.string());
  SetUnlessEmpty(json, "calibration_path", paths.calibration_path.string());
  SetUnlessEmpty(json, "script_path", paths.script_path.string());
  return Dump(json, 2) + "\n";
}

Result<InputPaths> ParseInputPaths(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return InvalidArgument("not an inputs file: it is not a JSON object", "BAD_TASK_FILE");
  InputPaths paths;
  for (auto [name, path] : {std::pair("model_path", &paths.model_path), std::pair("dataset_path", &paths.dataset_path),
                            std::pair("calibration_path", &paths.calibration_path), std::pair("script_path", &paths.script_path)}) {
    std::string value;
    if (Get(*json, name, &value)) *path = value;
  }
  return paths;
}

Result<TaskFile> ReadTaskFile(const fs::path& task_folder) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(task_folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  auto inputs = ReadFile(task_folder / kInputsFolderName / "inputs.json", 1 << 20);
  if (!inputs.ok()) return inputs.status().code() == StatusCode::kNotFound ? Result<TaskFile>(std::move(task)) : inputs.status();
  NS_ASSIGN_OR_RETURN(InputPaths paths, ParseInputPaths(*inputs));
  if (!paths.model_path.empty()) task.model_path = paths.model_path;
  if (!paths.dataset_path.empty()) task.dataset_path = paths.dataset_path;
  if (!paths.calibration_path.empty()) task.calibration_path = paths.calibration_path;
  if (!paths.script_path.empty()) task.script_path = paths.script_path;
  return task;
}

}  // namespace ns
