// Rows of the table of tasks. Private to store/.
#pragma once

#include <vector>

#include "base/status.h"
#include "store/sqlite.h"
#include "store/task_record.h"

namespace ns {

// What ReadTask() reads, in this order.
inline constexpr const char* kTaskColumns =
    "seq, id, state, priority, name, spec, model_path, dataset_path, calibration_path, submitted, started, ended, attempt, lost, reason, "
    "message, result, owner, submitter, last_event, assistants";

TaskRecord ReadTask(const Statement& row);
// All that the query finds.
Result<std::vector<TaskRecord>> ReadTasks(Statement& query);

}  // namespace ns
