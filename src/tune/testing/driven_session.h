// A tuning session driven to its end by made-up workers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tune/tuning_session.h"

namespace ns {

struct DrivenSession {
  int evaluations = 0;
  int until_accepted = 0;  // evaluations begun when the first accepted one ended; 0: none was
  int until_best = 0;      // the same of the one that was the best in the end; 0: none
  double gain = 1;         // the answer's, over fp32
  TuningAnswer answer;
  std::vector<std::string> labels;  // of the evaluations, in the order in which they were begun
};

using Worker = std::function<TuningResult(const TuningItem&)>;

// As `workers` workers would, each with one item at a time. Results come in an order drawn with `order_seed`; with one worker
// there is only one. NS_CHECK: it ends.
DrivenSession Drive(const Worker& work_on, const TuningSession::Options& options, int workers = 1, uint64_t order_seed = 0);

}  // namespace ns
