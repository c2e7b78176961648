// How a pass computes constants without knowing the runtime (which implements this: runtime/ort_evaluator.h).
#pragma once

#include <vector>

#include "base/status.h"
#include "base/tensor.h"
#include "graph/model.h"

namespace ns {

class ConstantEvaluator {
 public:
  virtual ~ConstantEvaluator() = default;
  // The outputs, in order, of a model that has no inputs. Errors as Session's.
  virtual Result<std::vector<Tensor>> Evaluate(const Model& model) = 0;
};

}  // namespace ns
