// What every executor does before it starts a worker's supervisor.
#pragma once

#include "executors/step_planner.h"
#include "schedule/executor.h"

namespace ns {

// Adds to the options what the sandbox has to show for the worker program to run. FailedPrecondition (NO_SANDBOX) where sandboxes are wanted and
// there can be none.
Status CompletePlanner(StepPlannerOptions* planner);

// Writes the worker's steps.json, and what it needs there: the folder of an assistant, an empty one where there was one before. Errors of
// PlanSteps(), of task.json and of the file system.
Status PrepareWorker(const StepPlannerOptions& planner, const WorkerPlace& place);

}  // namespace ns
