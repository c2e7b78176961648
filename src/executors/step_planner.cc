#include "executors/step_planner.h"

#include <algorithm>
#include <system_error>

#include "tasks/task_inputs.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

bool IsBelow(const fs::path& path, const fs::path& root) {
  return !root.empty() && std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

// An .onnx file may have its weights in other files of its folder, so the folder is seen; but not where the workspace keeps the files of
// several tasks.
std::string SeenFor(const fs::path& model, const fs::path& task_folder, const fs::path& hidden) {
  std::error_code ignored;
  bool alone = IsBelow(model, hidden) && !IsBelow(model, task_folder);
  return fs::is_directory(model, ignored) || alone ? model.string() : model.parent_path().string();
}

SandboxProfile ProfileOf(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  SandboxProfile profile;
  profile.read_only = options.worker_files;
  if (!task.model_path.empty()) profile.read_only.push_back(SeenFor(task.model_path, task_folder, options.hidden));
  for (const fs::path& data : {task.dataset_path, task.calibration_path}) {
    if (!data.empty()) profile.read_only.push_back(data.string());
  }
  return profile;
}

// It tells why it failed by an event, as the worker does.
Step FetchStep(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  Step fetch{kFetchStepName, options.fetch_command, {}, 0, "", {}};
  for (const std::string& word : {std::string("--task-folder"), task_folder.string()}) fetch.argv.push_back(word);
  fetch.sandbox.network = true;
  fetch.sandbox.read_only = {options.fetch_command[0]};
  for (const fs::path& archive : {task.model_path, task.dataset_path, task.calibration_path}) {
    if (IsArchiveName(archive.string())) fetch.sandbox.read_only.push_back(archive.string());
  }
  fetch.sandbox.writable = {(task_folder / kInputsFolderName).string(), options.fetch_cache.string()};
  return fetch;
}

}  // namespace

StepPlan PlanSteps(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  StepPlan plan;
  plan.attempt = task.attempt;
  plan.work_folder = task_folder / kWorkFolderName;
  plan.sandbox = options.sandbox;
  plan.hidden = options.hidden;
  plan.limits = options.limits;
  if (NeedsFetching(task)) plan.steps.push_back(FetchStep(options, task_folder, task));
  Step worker{kWorkerStepName, options.worker_command, {}, 0, "", ProfileOf(options, task_folder, task)};
  for (const char* word : {"lead", "--task-folder"}) worker.argv.push_back(word);
  worker.argv.push_back(task_folder.string());
  plan.steps.push_back(std::move(worker));
  return plan;
}

}  // namespace ns
