// Makes a loaded model ready for quantization without changing what it computes: opset at least 13, constants folded, BatchNormalization
// folded into convolutions, identities and dead parts removed, every node named, shapes inferred.
#pragma once

#include "base/progress.h"
#include "base/status.h"
#include "graph/model.h"

namespace ns {

// The model unchanged in its inputs, outputs and results. Errors of the passes, with the pass's name.
Result<Model> PrepareModel(Model model, ProgressSink& progress);

}  // namespace ns
