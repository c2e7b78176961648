// Which steps an attempt consists of, and what each may see and use. Everything that has to happen before the worker is a step of its own here:
// inputs are fetched, the environment of a script's requirements is built.
#pragma once

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "base/status.h"
#include "executors/python_environment.h"
#include "schedule/executor.h"
#include "tasks/step_plan.h"
#include "tasks/task_file.h"

namespace ns {

struct ScriptOptions {
  std::shared_future<Result<PythonBase>> python;  // found while the service starts
  std::filesystem::path package_folder;           // with our Python package
  std::filesystem::path environments;             // where environments of requirements are kept (environment_use.h)
  bool network = false;                           // of the scripts themselves
  double environment_seconds = 1800;              // the longest that building an environment may take
};

struct StepPlannerOptions {
  std::vector<std::string> worker_command;   // called as: COMMAND... lead --task-folder DIR, or COMMAND... assist --lead-socket PATH ...
  bool teams = false;                        // leads listen for assistants
  bool relayed = false;                      // ... which may be on other machines
  std::string team_network = {};             // by which of its addresses a lead's machine is reached ("10.1.0.0/16"); "": any
  std::vector<std::string> worker_files;     // what the command needs beside the system: itself, its libraries
  bool sandbox = true;                       // false: steps run with our own rights
  // Not empty: nodes do not see the workspace, and have their tasks' folders below this one; `hidden` and all that is kept for other tasks lie there.
  std::filesystem::path node_folder = {};
  std::filesystem::path hidden;              // the workspace: no step sees it but for its own task's part
  ResourceLimits limits;
  std::vector<std::string> fetch_command = {};   // called as: COMMAND... --task-folder DIR; the inputs that are addresses or archives
  std::filesystem::path fetch_cache = {};        // what it keeps for other tasks
  std::filesystem::path hub_cache = {};          // the same, of the Hugging Face hub; a folder for its HF_HUB_CACHE
  std::filesystem::path hub_token_file = {};     // its HF_TOKEN_PATH
  ScriptOptions scripts;
};

// `task_folder` is absolute and holds task.json, which `task` is. NotFound, FailedPrecondition when
// there is no Python for a script.
Result<StepPlan> PlanSteps(const StepPlannerOptions& options, const std::filesystem::path& task_folder, const TaskFile& task);

// Of an assistant, in its own folder below the task's: it sees the task's inputs and the team's socket, and can write to its work folder alone.
StepPlan PlanAssistant(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task);

}  // namespace ns
