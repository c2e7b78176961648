// How long models take, measured so that two of them can be compared: the same rows, interleaved rounds, the order alternating, on the
// same cores. Absolute times differ from machine to machine and hour to hour; the ratio of one run is what decides.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "base/status.h"
#include "runtime/session.h"

namespace ns {

struct LatencyOptions {
  int warmup_runs = 3;           // of each session, not counted; fewer once one was so slow that the budget has no time for min_rounds
  int min_rounds = 10;           // measured even when the budget is spent; after such a warm-up as many as fit, 3 at least
  int max_rounds = 200;
  double budget_seconds = 10;    // of measuring, all sessions together, warm-up not counted
  std::vector<int> pin_to_cores; // the calling thread, restored afterwards; empty: not pinned
  uint64_t seed = 1;             // of the bootstrap
};

// A ratio of two latencies with its 95 % interval.
struct LatencyRatio {
  double value = 1;  // first / this: above 1 means faster than the first
  double low = 1;
  double high = 1;
};

struct LatencyResult {
  double median_ms = 0;
  double p95_ms = 0;
  std::vector<double> samples_ms;  // one a round, in order; index i is the same row in every result
  LatencyRatio speedup;            // over the first of the list (1, 1, 1 for the first itself)
};

// Round i runs every session once on rows[i % rows.size()]. InvalidArgument (NO_SESSIONS, NO_ROWS); Cancelled; errors of Run().
Result<std::vector<LatencyResult>> MeasureLatency(std::span<const Session* const> sessions, std::span<const NamedTensors> rows,
                                                  const LatencyOptions& options, std::stop_token stop = {},
                                                  ProgressSink* progress = nullptr);

// The same over any callables; each call gets the round's number. MeasureLatency() is this on sessions.
using TimedRun = std::function<Status(int round)>;
Result<std::vector<LatencyResult>> MeasureRuns(std::span<const TimedRun> runs, const LatencyOptions& options, const Clock& clock,
                                               std::stop_token stop = {}, ProgressSink* progress = nullptr);

// Quantile q in [0,1] with linear interpolation between order statistics (type 7 of Hyndman and Fan, 1996, as NumPy's default).
// Not empty (NS_CHECK).
double Quantile(std::vector<double> values, double q);

// median(first) / median(other) with a percentile-bootstrap interval: `resamples` times, rounds are drawn with replacement, the same for
// both. Equal lengths, not empty (NS_CHECK). The same seed gives the same interval on every machine.
LatencyRatio BootstrapSpeedup(std::span<const double> first, std::span<const double> other, uint64_t seed, int resamples = 1000);

}  // namespace ns
