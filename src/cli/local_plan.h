// What a model task would do and take, told by the optimizer on this machine where the task's files are here.
#pragma once

#include <optional>
#include <string>

#include "base/status.h"
#include "tasks/task_spec.h"

namespace ns {

// Runs `optimize --dry-run` of the worker beside this program: lines for people, with the expected time and peak memory of this machine.
// None: a script task, or the model or data is not a file here. Errors: the worker's message (a model that cannot be read, ...).
Result<std::optional<std::string>> LocalPlan(const TaskSpec& spec);

}  // namespace ns
