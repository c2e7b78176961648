// What happens to a task, as its worker tells it and as the service keeps it: a numbered log that every reader resumes from a number.
//
// One event is one JSON object on one line:
//   {"seq": 7, "time": "2026-01-31T12:00:00.123456Z", "type": "trial", "payload": {...}}
// `seq` counts from 1 and ascends. A worker numbers the events of its attempt (events.jsonl); the service numbers a task's events over
// all attempts (store).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/task_state.h"

namespace ns {

// type "state". From a worker only {"state": "failed"}: why it is about to end with exit code 1 or 2, so that the task fails at once
// with this reason and is not tried again. Readers don't see that one: the service tells the end when the worker has ended.
struct StateEvent {
  TaskState state = TaskState::kPending;
  std::string reason;   // stable, for programs: "MODEL_NOT_VALID"
  std::string message;  // for people
  int attempt = 0;      // 0: not about an attempt
  bool operator==(const StateEvent&) const = default;
};

// type "stage": a new stage begins ("baseline", "calibrate", "quantize", "evaluate", "time", "package").
struct StageEvent {
  std::string stage;
  bool operator==(const StageEvent&) const = default;
};

// type "progress": `done` of `total` units of the stage. A worker writes at most about five a second. The service keeps only the last of
// several in a row.
struct ProgressEvent {
  std::string stage;
  double done = 0;
  double total = 0;                      // 0: unknown
  std::optional<double> seconds_left;    // of the whole task, estimated
  bool operator==(const ProgressEvent&) const = default;
};

// type "note": a line for people.
struct NoteEvent {
  std::string text;
  bool warning = false;
  bool operator==(const NoteEvent&) const = default;
};

// type "trial": a finished evaluation. Index 0 is the fp32 baseline, trials count from 1.
struct TrialEvent {
  int index = 0;
  std::string configuration;        // one line for people; "fp32" for the baseline
  std::string metric;               // the first metric's name
  double accuracy = 0;              // its value
  double duration_seconds = 0;      // of the evaluation: what the original calls "Duration (seconds)"
  std::optional<double> latency_ms;  // median of one batch, where it was timed
  std::optional<uint64_t> size_bytes;
  bool meets_criterion = false;
  bool best = false;                // the best so far
  bool operator==(const TrialEvent&) const = default;
};

// type "result": the last event of an attempt that succeeded; result/ is complete and durable before it is written, and the line itself is
// fsynced.
struct ResultEvent {
  bool goal_met = false;
  std::string verdict;
  std::string metric;
  double accuracy = 0;              // of the packaged model
  double duration_seconds = 0;      // of evaluating it
  double optimization_seconds = 0;  // the whole attempt
  bool operator==(const ResultEvent&) const = default;
};

// type "estimate": what the whole is expected to take, told before it begins.
struct EstimateEvent {
  double seconds = 0;
  uint64_t memory_bytes = 0;  // at the peak
  bool operator==(const EstimateEvent&) const = default;
};

// type "workers": told whenever either number changes.
struct WorkersEvent {
  int useful = 1;  // how many workers have something to do now or would have, the lead among them; at most what the task asked for
  int joined = 1;  // how many work on it
  bool operator==(const WorkersEvent&) const = default;
};

using EventPayload = std::variant<StateEvent, StageEvent, ProgressEvent, NoteEvent, TrialEvent, ResultEvent, EstimateEvent, WorkersEvent>;

struct TaskEvent {
  uint64_t seq = 0;
  WallTime time;
  EventPayload payload;
  bool operator==(const TaskEvent&) const = default;
};

// "state", "stage", "progress", "note", "trial", "result", "estimate" or "workers".
std::string_view EventTypeName(const EventPayload& payload);

// One line without its line break; never contains one.
std::string TaskEventToJson(const TaskEvent& event);
// Fields it does not know are ignored, so that an older reader survives a newer worker. InvalidArgument (BAD_EVENT).
Result<TaskEvent> ParseTaskEvent(std::string_view line);

// The payload alone, as the store keeps it beside type, seq and time.
std::string EventPayloadToJson(const EventPayload& payload);
Result<EventPayload> ParseEventPayload(std::string_view type, std::string_view json);

// "2026-01-31T12:00:00.123456Z" (UTC, microseconds) and back. Parsing takes any number of fraction digits, "Z" or "+hh:mm".
std::string FormatTime(WallTime time);
std::optional<WallTime> ParseTime(std::string_view text);

}  // namespace ns
