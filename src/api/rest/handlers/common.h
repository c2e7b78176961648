// What several handlers need.
#pragma once

#include <optional>
#include <string>

#include "api/rest/message.h"
#include "service/task_service.h"
#include "tasks/answers.h"

namespace ns {

// The {id} of the path; none (and the request is answered with 422) when it is no task id. Ids are lower case inside.
std::optional<std::string> TaskIdOf(const Request& request, const Responder& respond);

// "http://HOST/", as the client wrote the host.
std::string BaseUrl(const Request& request);

StatusAnswer ToAnswer(const TaskView& view, const Request& request);
TaskSummary ToSummary(const TaskRecord& record, const Request& request);

// A query number in [low, high]; `otherwise` when absent. None, and the request is answered with 422, when it is something else.
std::optional<int64_t> QueryNumber(const Request& request, const std::string& name, int64_t low, int64_t high, int64_t otherwise,
                                   const Responder& respond);

}  // namespace ns
