// How few operators of a quantized model must be given up for it to hold the accuracy.
#pragma once

#include <string>
#include <vector>

#include "tune/latency_model.h"
#include "tune/strategies/inquiry.h"

namespace ns {

struct Repairable {
  QuantConfig config;
  std::string label;
  double gain = 1;         // over fp32, with nothing given up
  double best_gain = 0;    // of the best so far; 0: none
  // What speed is predicted from: models whose times are known before the repair, so that it decides the same whenever it
  // is gone through.
  TimedModels timed;
};

// Configurations that hold the accuracy, to be timed, the likeliest best last; empty: none was found that promises more
// than the best.
Result<std::vector<QuantConfig>> FindFewestInFloat(Inquiry& ask, const Repairable& model);

// The operators of a ranking in the order in which they are given up: the noise they make in the model's outputs (in their
// own where that was not measured) for the time that they save, most first.
std::vector<OperatorScore> MostHarmfulFirst(std::vector<OperatorScore> scores);

}  // namespace ns
