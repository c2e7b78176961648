// How sure a difference is in a metric that does not add up over rows (F1, Matthews' coefficient, a correlation, perplexity).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/status.h"
#include "data/metrics/metric.h"
#include "data/statistics.h"

namespace ns {

struct BootstrapOptions {
  int resamples = 999;  // (resamples + 1) · 2.5 % is whole: the 25th smallest and largest are the interval's ends
  uint64_t seed = 0;    // the same seed gives the same interval
};

// What Metric::state() was after each part of the rows (one row, or several), in the order of the rows.
using MetricStates = std::vector<std::vector<double>>;

// candidate - baseline of the whole metric, with the 95 % percentile interval of the paired bootstrap (B. Efron, R. Tibshirani, An
// Introduction to the Bootstrap, 1993, 13.3 and 16.4): as many parts as there are are drawn with replacement, the same for both models, and
// the metric of each model over the drawn parts gives one difference; the interval holds all of them but the lowest and highest 2.5 %. Draws
// on which a metric has no value (UNDEFINED_METRIC) don't count.
// `make`: an empty metric, as the one that the states are of.
// InvalidArgument (ROW_COUNT_MISMATCH): different numbers of parts; (NO_ROWS): none; (BAD_METRIC_STATE). FailedPrecondition
// (UNDEFINED_METRIC): the metric has no value on all parts, or on most draws.
// Cancelled on stop. Time: resamples x numbers of all states; from 160,000 of those on fewer resamples are drawn, 199 at least.
Result<PairedInterval> BootstrapDifference(const std::function<Result<std::unique_ptr<Metric>>()>& make, const MetricStates& candidate,
                                           const MetricStates& baseline, const BootstrapOptions& options = {}, std::stop_token stop = {});

}  // namespace ns
