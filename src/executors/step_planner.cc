#include "executors/step_planner.h"

#include <algorithm>
#include <system_error>

#include "tasks/task_inputs.h"
#include "tasks/team_files.h"

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

void AddInputs(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task, SandboxProfile* profile) {
  if (!task.model_path.empty()) profile->read_only.push_back(SeenFor(task.model_path, task_folder, options.hidden));
  if (!task.cache_folder.empty()) profile->read_only.push_back(task.cache_folder.string());
  if (!task.script_path.empty()) profile->read_only.push_back(task.script_path.parent_path().string());
  for (const fs::path& data : {task.dataset_path, task.calibration_path}) {
    if (!data.empty()) profile->read_only.push_back(data.string());
  }
}

Step WorkerStep(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  Step worker;
  worker.name = kWorkerStepName;
  worker.argv = options.worker_command;
  for (const char* word : {"lead", "--task-folder"}) worker.argv.push_back(word);
  worker.argv.push_back(task_folder.string());
  worker.sandbox.read_only = options.worker_files;
  AddInputs(options, task_folder, task, &worker.sandbox);
  if (options.teams && HasTeam(task.spec)) {
    worker.argv.insert(worker.argv.end(), {"--team-socket", LeadSocket(task_folder).string(), "--team-token-file", TeamTokenFile(task_folder).string()});
    worker.sandbox.read_only.push_back(TeamTokenFile(task_folder).string());
    worker.sandbox.writable.push_back(TeamFolder(task_folder).string());
  }
  return worker;
}

TeamRelayPlan RelayOf(const StepPlannerOptions& options, const fs::path& task_folder, int worker) {
  bool lead = worker == 0;
  return {lead ? TeamRelayPlan::Side::kLead : TeamRelayPlan::Side::kAssistant, LeadSocket(WorkerFolder(task_folder, worker)), TeamAddressFile(task_folder),
          lead ? options.team_network : ""};
}

StepPlan EmptyPlan(const StepPlannerOptions& options, const fs::path& folder, int attempt) {
  StepPlan plan;
  plan.attempt = attempt;
  plan.work_folder = folder / kWorkFolderName;
  plan.sandbox = options.sandbox;
  plan.hidden = options.hidden;
  plan.limits = options.limits;
  return plan;
}

// One step for all tasks that need the same environment: the first builds it, the others find it complete.
Step EnvironmentStep(const ScriptOptions& scripts, const PythonBase& python, const fs::path& folder, const TaskFile& task) {
  Step step;
  step.name = "environment";
  step.argv = {python.executable.string(), "-I", (scripts.package_folder / "neural_solution" / "build_environment.py").string(), folder.string()};
  step.argv.insert(step.argv.end(), task.spec.requirements.begin(), task.spec.requirements.end());
  step.time_limit_seconds = scripts.environment_seconds;
  step.failure_reason = "ENVIRONMENT_FAILED";
  step.sandbox.network = true;
  step.sandbox.read_only = python.folders;
  step.sandbox.read_only.push_back(scripts.package_folder.string());
  step.sandbox.writable = {folder.string()};
  return step;
}

Status PlanScript(const StepPlannerOptions& options, const TaskFile& task, Step worker, StepPlan* plan) {
  const ScriptOptions& scripts = options.scripts;
  if (!scripts.python.valid()) return FailedPrecondition("script tasks need a Python", "NO_PYTHON");
  const Result<PythonBase>& python = scripts.python.get();
  NS_RETURN_IF_ERROR(python.status());
  fs::path interpreter = python->executable;
  worker.sandbox.read_only.insert(worker.sandbox.read_only.end(), python->folders.begin(), python->folders.end());
  worker.sandbox.read_only.push_back(scripts.package_folder.string());
  worker.sandbox.network = scripts.network;
  if (!task.spec.requirements.empty()) {
    plan->environment = scripts.environments / EnvironmentName(*python, task.spec.requirements);
    plan->steps.push_back(EnvironmentStep(scripts, *python, plan->environment, task));
    worker.sandbox.read_only.push_back(plan->environment.string());
    interpreter = plan->environment / "venv" / "bin" / "python";
  }
  worker.argv.insert(worker.argv.end(), {"--python", interpreter.string(), "--package-folder", scripts.package_folder.string()});
  plan->steps.push_back(std::move(worker));
  return OkStatus();
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
  fetch.sandbox.writable = {(task_folder / kInputsFolderName).string()};
  fetch.sandbox.shared = {options.fetch_cache.string()};
  if (!options.hub_cache.empty()) {
    fetch.sandbox.shared.push_back(options.hub_cache.string());
    fetch.environment["HF_HUB_CACHE"] = options.hub_cache.string();
  }
  if (!options.hub_token_file.empty()) {
    fetch.sandbox.read_only.push_back(options.hub_token_file.string());
    fetch.environment["HF_TOKEN_PATH"] = options.hub_token_file.string();
  }
  return fetch;
}

}  // namespace

Result<StepPlan> PlanSteps(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  StepPlan plan = EmptyPlan(options, task_folder, task.attempt);
  plan.cache_folder = task.cache_folder;
  if (options.teams && options.relayed && HasTeam(task.spec)) plan.relay = RelayOf(options, task_folder, 0);
  if (NeedsFetching(task)) plan.steps.push_back(FetchStep(options, task_folder, task));
  Step worker = WorkerStep(options, task_folder, task);
  if (!task.spec.script_url.empty()) {
    NS_RETURN_IF_ERROR(PlanScript(options, task, std::move(worker), &plan));
  } else {
    plan.steps.push_back(std::move(worker));
  }
  return plan;
}

StepPlan PlanAssistant(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task) {
  StepPlan plan = EmptyPlan(options, WorkerFolder(place.folder, place.id.worker), place.id.fence);
  const std::string token = TeamTokenFile(place.folder).string();
  if (options.relayed) plan.relay = RelayOf(options, place.folder, place.id.worker);
  const fs::path lead = options.relayed ? plan.relay.socket : LeadSocket(place.folder);
  Step& assist = plan.steps.emplace_back();
  assist.name = kWorkerStepName;
  assist.argv = options.worker_command;
  assist.argv.insert(assist.argv.end(), {"assist", "--lead-socket", lead.string(), "--team-token-file", token, "--worker",
                                         std::to_string(place.id.worker), "--fence", std::to_string(place.id.fence), "--marks",
                                         plan.work_folder.string()});
  // A lead that waits in another scheduler's queue may wait for the very node that its assistants hold.
  if (options.relayed) assist.argv.insert(assist.argv.end(), {"--lead-patience", "30"});
  if (!place.cores.empty()) assist.argv.insert(assist.argv.end(), {"--threads", std::to_string(place.cores.size())});
  // Of another machine they are not known here: its supervisor chooses them.
  if (!place.cores.empty() && !options.relayed) assist.argv.insert(assist.argv.end(), {"--cores", fmt::format("{}", fmt::join(place.cores, ","))});
  assist.sandbox.read_only = options.worker_files;
  AddInputs(options, place.folder, task, &assist.sandbox);
  for (const fs::path& path : {place.folder / kInputsFolderName, lead.parent_path(), TeamTokenFile(place.folder)}) {
    assist.sandbox.read_only.push_back(path.string());
  }
  return plan;
}

}  // namespace ns
