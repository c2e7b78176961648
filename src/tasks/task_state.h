// The life of a task. pending -> running -> done | failed | cancelled; running -> pending when an attempt was lost and is tried again.
#pragma once

#include <optional>
#include <string_view>

namespace ns {

enum class TaskState { kPending, kRunning, kDone, kFailed, kCancelled };

// "pending", "running", "done", "failed", "cancelled": the words of the API.
std::string_view TaskStateName(TaskState state);
std::optional<TaskState> ParseTaskState(std::string_view name);

// done, failed and cancelled are never left again.
bool IsFinal(TaskState state);

// The transition table. A state does not follow itself.
bool MayFollow(TaskState from, TaskState to);

}  // namespace ns
