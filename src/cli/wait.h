// Following a task to its end.
#pragma once

#include <string>

#include "client/api_client.h"
#include "tasks/answers.h"

namespace ns {

// Shows the task's progress until it ends: a bar on a terminal, else a line for each step. 0: done, 1: failed, cancelled or out of reach.
int WaitForTask(const ApiClient& client, const std::string& id, bool json);

// One line of progress: "calibrate 45% | baseline 0.9210 | best 0.9205 | about 12 s left".
std::string ProgressLine(const StatusAnswer& answer);

}  // namespace ns
