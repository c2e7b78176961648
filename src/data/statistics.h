// How sure a difference in accuracy is: both models saw the same rows, so the rows' scores are compared in pairs.
#pragma once

#include <span>

#include "base/status.h"
#include "data/metrics/metric.h"

namespace ns {

// A difference with its 95 % interval.
struct PairedInterval {
  double value = 0;
  double low = 0;
  double high = 0;
};

// candidate - baseline, of the mean scores Σ sum / Σ weight of the same rows in the same order.
//
// Scores of right or wrong (weight 1, sum 0 or 1 in every row): with b rows that only the candidate got right, c that
// only the baseline did, of n: the interval of Agresti and Min ("Simple improved confidence intervals for comparing
// matched proportions", Statistics in Medicine 24, 2005): half a row is added to each of the four cells, so b' = b +
// 0.5, c' = c + 0.5, n' = n + 2,
//   (b' - c')/n' ± 1.959964 · sqrt((b' + c') - (b' - c')²/n') / n'.
// It has a width even where no row differs, as it should: n rows without a difference don't prove that there is none.
//
// Other scores: the mean of the rows' linearized differences e = (sum_c - sum_b - d · w) / mean(w), d the difference of
// the means, ± Student's t (n-1 degrees of freedom) · their standard deviation / √n. (Ratio estimator; W. Cochran,
// Sampling Techniques, 6.)
//
// `value` is always the plain difference. InvalidArgument (ROW_COUNT_MISMATCH): different lengths or weights;
// (NO_ROWS): empty.
Result<PairedInterval> PairedDifference(std::span<const RowScore> candidate, std::span<const RowScore> baseline);

// The 97.5 % quantile of Student's t with `degrees` ≥ 1 degrees of freedom, to 4 digits.
double StudentT975(int64_t degrees);

}  // namespace ns
