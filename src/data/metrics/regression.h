// Pairs a regression's output with its targets, element by element.
#pragma once

#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

struct RegressionPairs {
  int64_t rows = 0;
  int64_t per_row = 1;  // elements a row
  std::vector<double> output;
  std::vector<double> target;
};

// `output` [M, ...] and `target` [N, ...], N ≤ M, with as many elements a row; [N, 1] and [N] fit. The target may hold
// integers. InvalidArgument: SHAPE_MISMATCH, DTYPE_MISMATCH, NON_FINITE_OUTPUT.
Result<RegressionPairs> MatchRegression(const TensorView& output, const TensorView& target);

}  // namespace ns
