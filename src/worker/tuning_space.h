// What the tuner may choose from, for one model and one request.
#pragma once

#include <string>

#include "quantize/quantizer.h"
#include "tune/tuning_space.h"
#include "worker/options.h"

namespace ns {

// `why`: what a user should read about the choice of weights for this processor. The operators' shares of the run are left at 0.
TuningSpace MakeTuningSpace(const Quantizer& quantizer, const TuningOptions& options, std::string* why);

}  // namespace ns
