// How fast a configuration that was not timed is likely to be, from those that were and from each operator's share of the
// fp32 model's run.
#pragma once

#include <utility>
#include <vector>

#include "tune/objective.h"
#include "tune/tuning_space.h"

namespace ns {

using TimedModels = std::vector<std::pair<QuantConfig, MeasuredModel>>;

// Speed-up over fp32. An operator quantized in a mode saves that mode's part of its share: the part that the model of `timed`
// with most of its operators in that mode saved of its own, (1 - 1 / speed-up) / Σ shares; where none was timed 0.75, which is
// more than is usual, so that what was never tried is not given up. Operators in float save nothing.
// Without measured shares all operators count alike.
double PredictSpeedup(const TuningSpace& space, const TimedModels& timed, const QuantConfig& config);

}  // namespace ns
