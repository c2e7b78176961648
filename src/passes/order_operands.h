// Puts the constant operand of Add and Mul second.
//
// ONNX Runtime folds a bias into its integer MatMul kernels only when it is the second input of the Add; PyTorch's exporter writes it
// first.
#pragma once

#include "passes/pass.h"

namespace ns {

class OrderOperands final : public Pass {
 public:
  std::string_view name() const override { return "order-operands"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
