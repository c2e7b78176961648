// Conv (or ConvTranspose) followed by Mul, Div, Add or Sub of a constant per channel → one Conv with other weights.
#pragma once

#include "passes/pass.h"

namespace ns {

// Folds where the convolution's result goes only to that node and the other operand is a float32 weight of one value, or of one value per
// channel along axis 1 of the result ([C,1,1], [1,C,1,1], ...). Constant minus x and constant over x stay. Old weights are left for
// RemoveDead.
class FoldScaleShift final : public Pass {
 public:
  std::string_view name() const override { return "fold-scale-shift"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
