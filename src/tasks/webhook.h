// The delivery of a task's final status to its webhook, as users see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "tasks/answers.h"

namespace ns {

// {"task_id": ID, ...}: what is POSTed, the answer of GET /task/status/{id} with the task's id in front.
std::string WebhookBody(const std::string& task_id, const StatusAnswer& answer);

}  // namespace ns
