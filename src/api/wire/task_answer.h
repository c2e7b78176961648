// What a task's readers get, from what the service knows: the same for REST and gRPC.
#pragma once

#include <string>

#include "service/task_service.h"
#include "tasks/answers.h"

namespace ns {

// `result_path`: where the zip of a task that is done can be had; left out of the answers about others.
StatusAnswer ToStatusAnswer(const TaskView& view, const std::string& result_path);
TaskSummary ToTaskSummary(const TaskRecord& record, const std::string& result_path);

}  // namespace ns
