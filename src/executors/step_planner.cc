#include "executors/step_planner.h"

namespace ns {
namespace fs = std::filesystem;

StepPlan PlanSteps(const StepPlannerOptions& options, const fs::path& task_folder, const TaskFile& task) {
  StepPlan plan;
  plan.attempt = task.attempt;
  plan.work_folder = task_folder / kWorkFolderName;
  Step worker{kWorkerStepName, options.worker_command, {}, 0, ""};
  for (const char* word : {"lead", "--task-folder"}) worker.argv.push_back(word);
  worker.argv.push_back(task_folder.string());
  plan.steps.push_back(std::move(worker));
  return plan;
}

}  // namespace ns
