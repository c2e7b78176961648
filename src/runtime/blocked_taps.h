// Where to read a model's values when ONNX Runtime computes convolutions in its blocked layout; for .cc files of this folder.
//
// The layout (NCHWc) keeps 4, 8 or 16 channels of a pixel together: [N, C/16, H, W, 16]. An operator that ONNX Runtime doesn't know, as a
// tap is one, gets its value in plain layout, and turning it takes longer than reading it (ResNet-50: 9 ms a row of 38). So ONNX Runtime
// first rewrites the model with a marker of its own in the place of each tap (GlobalMaxPool, which reads any layout) and writes it out;
// then the taps are hung where the markers hung, on the blocked values, and the result runs as it is. The weights are others meanwhile
// (runtime/numbered_weights.h).
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "graph/model.h"

namespace ns {

struct BlockedModel {
  TempDir folder;                   // holds the file of the weights: keep it until the session is made
  Model model;                      // without outputs; ONNX Runtime is to run it as it is
  std::vector<std::string> values;  // in the place of those asked for, in their order
};

// FailedPrecondition (NOTHING_BLOCKED) when no value comes from a convolution of images, so that there is nothing to gain;
// Internal (LAYOUT_UNKNOWN) when what ONNX Runtime wrote is not understood; errors of Session::FromModel().
Result<BlockedModel> BlockedLayout(const Model& model, const std::vector<std::string>& values, int threads);

}  // namespace ns
