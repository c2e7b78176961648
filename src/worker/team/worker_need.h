// How many workers a task has use for, from what they are doing, without jumping at every pause.
#pragma once

#include <optional>

#include "tasks/task_event.h"

namespace ns {

class WorkerNeed {
 public:
  // `most`: workers that the task may have; 1: nothing is ever told. `surplus_seconds`: a worker that had nothing to do for so long is surplus.
  explicit WorkerNeed(int most, double surplus_seconds = 30) : most_(most), surplus_seconds_(surplus_seconds) {}

  // `busy` of `joined` workers have something to do, at least one of the others for `idle_seconds`. `could_use_more`: more might be begun
  // if there were more workers. What to tell, when it has changed.
  std::optional<WorkersEvent> Update(int joined, int busy, bool could_use_more, double idle_seconds);

  int useful() const { return useful_; }
  // Some have had nothing to do for too long.
  bool surplus() const { return surplus_; }

 private:
  int most_;
  double surplus_seconds_;
  int useful_ = 1;
  bool surplus_ = false;
  std::optional<WorkersEvent> told_;
};

}  // namespace ns
