// Conv (or ConvTranspose) followed by BatchNormalization → one Conv with other weights.
#pragma once

#include "passes/pass.h"

namespace ns {

// Folds where the convolution's result goes only to the BatchNormalization and all parameters are float32 weights. Per channel, with
// f = scale / sqrt(variance + epsilon): W' = W f, b' = (b - mean) f + B (onnx: BatchNormalization, inference). Old weights are left for
// RemoveDead.
class FoldBatchNormalization final : public Pass {
 public:
  std::string_view name() const override { return "fold-batch-normalization"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
