// When tuning ends although more could be tried.
#pragma once

#include <string>

namespace ns {

struct StopCondition {
  int max_trials = 100;        // full evaluations beside the baseline's; at least 1
  double timeout_seconds = 0;  // of tuning, wall-clock; 0: none

  // True when no further evaluation may begin. `why` (for people) is set then: "the 100 trials allowed are used up".
  bool Reached(int trials, double elapsed_seconds, std::string* why = nullptr) const;
};

}  // namespace ns
