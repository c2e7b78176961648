// Convolution weights that tell where ONNX Runtime moves each element; for .cc files of this folder.
//
// Rewriting a model for the processor, ONNX Runtime holds the convolutions' weights three times over. What it does with them depends on
// their shapes alone: so all convolutions of a shape get one weight (in ResNet-50 a third of the bytes) whose element i is the number i + 1.
// Read back, it is the table by which the real weights are rearranged, on all threads. Each convolution is known again by its bias, which
// holds the convolution's number in every element.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "graph/model.h"

namespace ns {

class NumberedWeights {
 public:
  // Puts such weights in the place of weight and bias of every convolution of `model` with a constant weight of rank 4 and a constant bias, or
  // none (one is added). The weights that nothing uses any more are dropped.
  explicit NumberedWeights(Model& model);

  // The real weights, from the model as it was before, into `rewritten`, as the numbers lie there; in memory, on `threads` threads.
  // Internal (LAYOUT_UNKNOWN) when a convolution is not found exactly once, or a weight is no rearrangement (with zeros between).
  Status Restore(const Model& original, Model& rewritten, int threads) const;

 private:
  struct Convolution {
    std::string weight, bias;  // of the original; the bias is empty where there was none
  };
  Status RestoreBias(const Model& original, const Convolution& convolution, Model& rewritten, int node) const;

  std::vector<Convolution> convolutions_;
};

}  // namespace ns
