// What a task's readers get, from what the service knows: the same for REST, gRPC and webhooks.
#pragma once

#include <string>

#include "service/task_service.h"
#include "tasks/answers.h"

namespace ns {

// `result_path`: where the zip of a task that is done can be had; left out of the answers about others.
StatusAnswer ToStatusAnswer(const TaskView& view, const std::string& result_path);

// How far a task came, from its stored events. Errors of the store.
struct StoredProgress {
  TaskProgress progress;
  uint64_t last_event = 0;  // the number of the last of them
};
Result<StoredProgress> ReadProgress(const TaskStore& store, const std::string& id);

TaskSummary ToTaskSummary(const TaskRecord& record, const std::string& result_path);

}  // namespace ns
