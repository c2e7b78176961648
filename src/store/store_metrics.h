// What the store counts of tasks, after it was committed. Private to store/.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "tasks/task_state.h"

namespace ns {

struct StoreMetrics {
  StoreMetrics();

  Histogram& queue_seconds;  // submission to the first attempt
  Histogram& run_seconds;    // first attempt to the end
  Counter& submitted;
  Counter& attempts;
  Counter& attempts_lost;
  Counter& ended_done;
  Counter& ended_failed;
  Counter& ended_cancelled;
  Counter& events;

  void Ended(TaskState state);
};

}  // namespace ns
