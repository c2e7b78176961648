// One worker of a task.
#pragma once

#include <compare>
#include <string>

namespace ns {

// The lead is worker 0, its assistants are 1, 2, ... A worker that is started again keeps its number and gets a higher fence, which tells its
// starts apart: a lead's is the task's attempt; an assistant's is one that no assistant of the task had before, of whatever number.
struct WorkerId {
  std::string task_id;
  int worker = 0;
  int fence = 1;
  bool lead() const { return worker == 0; }
  auto operator<=>(const WorkerId&) const = default;
};

}  // namespace ns
