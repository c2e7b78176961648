// A task of the service: the optimization or the script that task.json describes, its events in events.jsonl, its result in result/.
#pragma once

#include <filesystem>

#include "worker/optimize.h"
#include "worker/script_run.h"

namespace ns {

// Runs the task of `task_folder`. `context.events` hears the same events as the journal. The result event is written
// last, when the result is durable; when the task itself is to blame (bad model, bad data), a state event says so, so
// that it is not tried again. `setup` is for script tasks, `lead` for the others: its `workers` is the task's. Errors: of reading task.json (BAD_TASK_FILE), of the
// journal, and of Optimize() and RunScript().
Result<OptimizeOutcome> RunTask(const std::filesystem::path& task_folder, const ScriptSetup& setup, const LeadOptions& lead, const WorkContext& context);

// The event that ends a successful optimization.
ResultEvent ResultEventOf(const OptimizeOutcome& outcome);

}  // namespace ns
