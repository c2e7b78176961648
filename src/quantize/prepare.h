// Makes a loaded model ready for quantization without changing what it computes: opset at least 13, constants folded, BatchNormalization
// folded into convolutions, identities and dead parts removed, every node named.
#pragma once

#include <stop_token>

#include "base/progress.h"
#include "base/status.h"
#include "graph/model.h"

namespace ns {

// The model, unchanged in its inputs, outputs and (up to rounding) results. Errors of the passes, with the pass's name; Cancelled.
Result<Model> PrepareModel(Model model, ProgressSink& progress, std::stop_token stop = {});

}  // namespace ns
