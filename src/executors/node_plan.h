// What a worker gets on a node that does not see the workspace: its plan with the node's paths, and which of the service's files go there
// (tasks/outpost_files.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "executors/step_planner.h"
#include "executors/supervisor.h"
#include "tasks/outpost_files.h"

namespace ns {

struct NodeWorkerPlan {
  StepPlan steps;
  TaskFile task;                     // of a lead: its task.json there
  std::vector<OutpostInput> inputs;  // without the files that the plan itself is in
};
// `task` has the paths of the service. Errors of PlanSteps().
Result<NodeWorkerPlan> PlanForNode(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task);

// The same in files of the worker's folder, and the task's outpost_token where it is not there yet.
Status PrepareForNode(const StepPlannerOptions& options, const WorkerPlace& place, const TaskFile& task);

// How workers are started on nodes that do not see the workspace.
struct OutpostOptions {
  std::vector<std::string> command = {};    // PROGRAM outpost --service ...: at the same place on every node; empty: nodes see the workspace
  std::vector<std::string> addresses = {};  // where the service listens for them: "10.0.0.1:3333"
  bool given() const { return !command.empty(); }
};

// What is started on another machine.
struct RemoteStart {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment = {};  // what the command needs to know and no command line may show
};
// `supervisor` as it is where the workspace is seen. With `outpost` (COMMAND... outpost --service ...), where it is not, the outpost of those
// workers, which starts that supervisor. Errors of reading the task's outpost_token.
Result<RemoteStart> StartElsewhere(const std::vector<std::string>& outpost, const std::filesystem::path& node_folder,
                                   const std::vector<std::string>& supervisor_command, SupervisorOptions supervisor,
                                   const std::vector<WorkerPlace>& places);

}  // namespace ns
