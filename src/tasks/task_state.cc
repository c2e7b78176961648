#include "tasks/task_state.h"

#include <array>
#include <utility>

namespace ns {

namespace {

constexpr std::array<std::pair<TaskState, std::string_view>, 5> kNames = {{
    {TaskState::kPending, "pending"},
    {TaskState::kRunning, "running"},
    {TaskState::kDone, "done"},
    {TaskState::kFailed, "failed"},
    {TaskState::kCancelled, "cancelled"},
}};

// A pending task fails when its attempts are used up or it cannot be started at all.
constexpr std::array<std::pair<TaskState, TaskState>, 7> kTransitions = {{
    {TaskState::kPending, TaskState::kRunning},
    {TaskState::kPending, TaskState::kFailed},
    {TaskState::kPending, TaskState::kCancelled},
    {TaskState::kRunning, TaskState::kPending},
    {TaskState::kRunning, TaskState::kDone},
    {TaskState::kRunning, TaskState::kFailed},
    {TaskState::kRunning, TaskState::kCancelled},
}};

}  // namespace

std::string_view TaskStateName(TaskState state) {
  for (const auto& [value, name] : kNames) {
    if (value == state) return name;
  }
  return "unknown";
}

std::optional<TaskState> ParseTaskState(std::string_view name) {
  for (const auto& [value, known] : kNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

bool IsFinal(TaskState state) { return state != TaskState::kPending && state != TaskState::kRunning; }

bool MayFollow(TaskState from, TaskState to) {
  for (const auto& transition : kTransitions) {
    if (transition == std::pair(from, to)) return true;
  }
  return false;
}

}  // namespace ns
