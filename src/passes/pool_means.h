// ReduceMean over all spatial axes of an image → GlobalAveragePool, and Flatten where the axes don't stay.
//
// The mean as PyTorch's exporter writes `x.mean((2, 3))`. ONNX Runtime has an integer kernel for the pool and none for the reduction.
#pragma once

#include "passes/pass.h"

namespace ns {

// Rewrites the mean of a float32 value known to be [N, C, H, W] or [N, C, D, H, W]. Three axes stay: there it is the mean of a
// LayerNormalization in its parts, which ONNX Runtime fuses.
class PoolMeans final : public Pass {
 public:
  std::string_view name() const override { return "pool-means"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
