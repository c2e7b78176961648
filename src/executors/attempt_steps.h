// steps.json of an attempt, as processes to start.
#pragma once

#include <filesystem>
#include <optional>

#include "executors/step_runner.h"
#include "executors/supervisor.h"
#include "tasks/step_plan.h"

namespace ns {

// The attempt's plan; none when it has been given up, or is another's by now.
std::optional<StepPlan> CurrentPlan(const std::filesystem::path& task_folder, int attempt);

// The step as a process, in its sandbox where the plan wants one.
StepProcess ProcessOf(const Step& step, const SupervisorOptions& options, const StepPlan& plan);

}  // namespace ns
