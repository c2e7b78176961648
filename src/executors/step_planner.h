// Which steps an attempt consists of, and what each may see and use. Everything that has to happen before the worker is a step of its own here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tasks/step_plan.h"
#include "tasks/task_file.h"

namespace ns {

struct StepPlannerOptions {
  std::vector<std::string> worker_command;   // called as: COMMAND... lead --task-folder DIR
  std::vector<std::string> worker_files;     // what the command needs beside the system: itself, its libraries
  bool sandbox = true;                       // false: steps run with our own rights
  std::filesystem::path hidden;              // the workspace: no step sees it but for its own task's part
  ResourceLimits limits;
  std::vector<std::string> fetch_command = {};   // called as: COMMAND... --task-folder DIR; the inputs that are addresses or archives
  std::filesystem::path fetch_cache = {};        // what it keeps for other tasks
};

// `task_folder` is absolute and holds task.json, which `task` is.
StepPlan PlanSteps(const StepPlannerOptions& options, const std::filesystem::path& task_folder, const TaskFile& task);

}  // namespace ns
