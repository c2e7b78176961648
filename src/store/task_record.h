// A task as the store has it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tasks/answers.h"
#include "tasks/task_event.h"
#include "tasks/task_state.h"
#include "tasks/worker_id.h"

namespace ns {

// One attempt of a task, for people.
struct AttemptRecord {
  int attempt = 0;
  WallTime started;
  std::optional<WallTime> ended;
  std::string outcome;  // tasks/attempt_outcome.h; "" while it runs
};

struct TaskRecord {
  int64_t order = 0;  // of submission, ascending
  std::string id;
  TaskState state = TaskState::kPending;
  int priority = 2;
  std::string name;
  std::string spec_json;
  std::filesystem::path model_path, dataset_path, calibration_path;
  WallTime submitted;
  std::optional<WallTime> started, ended;
  int attempt = 0;  // attempts started
  int lost = 0;     // of these, lost ones
  int assistants = 0;  // started: the newest one's fence
  std::string reason, message;
  std::optional<ResultEvent> result;
  std::string owner, submitter;
  int64_t events = 0;  // number of its last event
  std::vector<AttemptRecord> attempts;  // the first to the newest; lists leave them out, and the next
  std::optional<WebhookStatus> webhook;  // of a task that has ended and has one
};

// A worker that was not yet seen to end, and its slot.
struct OpenWorker {
  WorkerId id;
  int slot = 0;
};

// How a task left an attempt, or was ended without one.
struct TaskEnd {
  TaskState state = TaskState::kFailed;
  std::string reason, message;
  std::optional<ResultEvent> result;
};

}  // namespace ns
