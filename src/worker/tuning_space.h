// What the tuner may choose from, for one model and one request.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "graph/model.h"
#include "quantize/quantizer.h"
#include "runtime/session.h"
#include "tune/tuning_space.h"
#include "worker/options.h"

namespace ns {

// How many rows each product multiplies in a run, by node name; one that is not here has an unknown number.
using RowsPerRun = std::map<std::string, int64_t>;
// In a run of these inputs. Inferred, not run.
RowsPerRun CountRows(const Model& prepared, const NamedTensors& inputs);

// `why`: what a user should read about the choice of weights for this processor. The operators' shares of the run are left at 0.
TuningSpace MakeTuningSpace(const Quantizer& quantizer, const TuningOptions& options, const RowsPerRun& rows_per_run, std::string* why);

}  // namespace ns
