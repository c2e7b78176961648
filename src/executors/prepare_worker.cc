#include "executors/prepare_worker.h"

#include "base/file.h"
#include "base/replace_file.h"
#include "base/tree.h"
#include "executors/node_plan.h"
#include "executors/sandbox.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {

namespace {

// Whoever had it before has ended: a number is not given twice at a time.
Status MakeAssistantFolder(const std::filesystem::path& folder) {
  NS_RETURN_IF_ERROR(RemoveTree(folder));
  std::error_code error;
  std::filesystem::create_directories(TeamFolder(folder), error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder.string())) : OkStatus();
}

}  // namespace

Status CompletePlanner(StepPlannerOptions* planner) {
  if (!planner->sandbox) return OkStatus();
  NS_RETURN_IF_ERROR(CheckSandbox());
  planner->worker_files.push_back(planner->worker_command[0]);
  for (std::string& folder : LibraryFoldersOf(planner->worker_command[0])) planner->worker_files.push_back(std::move(folder));
  return OkStatus();
}

Status PrepareWorker(const StepPlannerOptions& planner, const WorkerPlace& place) {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(place.folder / kTaskFileName));
  NS_ASSIGN_OR_RETURN(TaskFile task, ParseTaskFile(text));
  if (!place.id.lead()) NS_RETURN_IF_ERROR(MakeAssistantFolder(WorkerFolder(place.folder, place.id.worker)));
  if (!planner.node_folder.empty()) return PrepareForNode(planner, place, task);
  StepPlan plan;
  if (place.id.lead()) {
    NS_ASSIGN_OR_RETURN(plan, PlanSteps(planner, place.folder, task));
  } else {
    plan = PlanAssistant(planner, place, task);
  }
  return ReplaceFile(WorkerFolder(place.folder, place.id.worker) / kStepPlanFileName, StepPlanToJson(plan));
}

}  // namespace ns
