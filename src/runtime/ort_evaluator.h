// Constants computed by ONNX Runtime.
#pragma once

#include "graph/constant_evaluator.h"

namespace ns {

// Each call makes a session of its own, one thread, no rewriting by ONNX Runtime.
class OrtEvaluator final : public ConstantEvaluator {
 public:
  Result<std::vector<Tensor>> Evaluate(const Model& model) override;
};

}  // namespace ns
