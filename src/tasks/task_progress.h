// Where a task is, folded from its events: the same for the service's memory, its store and a client.
#pragma once

#include <optional>
#include <string>

#include "tasks/task_event.h"

namespace ns {

struct TaskProgress {
  std::string stage;
  double done = 0;
  double total = 0;  // 0: unknown
  std::optional<double> seconds_left;
  std::optional<EstimateEvent> estimate;  // of the whole, before it began
  std::optional<WorkersEvent> workers;    // the newest
  std::optional<TrialEvent> baseline;  // trial 0
  std::optional<TrialEvent> last;      // the newest trial from 1 on
  std::optional<TrialEvent> best;      // the newest that was the best so far
  std::string note;                    // the newest
  std::optional<ResultEvent> result;
  std::optional<StateEvent> failure;   // why the worker said it fails
  bool operator==(const TaskProgress&) const = default;

  // Takes in one more event. A new attempt (state running) starts afresh.
  void Apply(const EventPayload& payload);
};

}  // namespace ns
