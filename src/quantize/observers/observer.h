// Statistics of one float32 tensor, gathered batch by batch in memory that doesn't grow with the number of values, and merged from
// several workers so that the result doesn't depend on who saw which batch.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/status.h"
#include "quantize/params.h"

namespace ns {

// Counts of values in bins of equal width 2^exponent, bin i covering [i * width, (i + 1) * width), anchored at 0. When a value lies
// outside, pairs of bins merge and the width doubles, so that any order of batches, and any merging of histograms of parts, gives the
// same counts.
// Thread-compatible.
class ValueHistogram {
 public:
  static constexpr int32_t kHalfBins = 2048;  // bins from -2048 to 2047

  // Every value is finite; `range` is their range.
  void Add(std::span<const float> values, Range range);
  void Merge(const ValueHistogram& other);

  bool empty() const { return counts_.empty(); }
  double width() const;
  int exponent() const { return exponent_; }
  // Count of bin `index` in [-kHalfBins, kHalfBins).
  int64_t count(int32_t index) const { return counts_[static_cast<size_t>(index + kHalfBins)]; }

 private:
  friend struct ObserverCodec;  // statistics_codec.cc
  void GrowTo(int exponent);
  int exponent_ = 0;
  std::vector<int64_t> counts_;  // 2 * kHalfBins, or none before the first value
};

// What calibration keeps of one tensor: the range of each batch (for the moving average, by the batch's number, so that it can be
// replayed in order), the range of all, and, if asked for, a histogram.
// Thread-compatible: Observe() needs exclusive access.
class TensorObserver {
 public:
  struct Options {
    bool histogram = false;
    bool batch_ranges = false;
  };
  explicit TensorObserver(Options options) : options_(options) {}

  // Adds one batch; `batch` is its number in the whole calibration. No values: nothing changes. InvalidArgument (NON_FINITE_VALUE) when a
  // value is NaN or infinite; the statistics are then as before the call.
  Status Observe(int64_t batch, std::span<const float> values);
  // Adds what another observer with the same options saw of other batches.
  void Merge(const TensorObserver& other);

  bool empty() const { return !seen_; }
  // All values seen. FailedPrecondition (NO_DATA) before the first.
  Result<Range> range() const;
  // min_t = (1 - c) min_{t-1} + c batch_min_t, the same for max, over batches in the order of their numbers, starting at the first
  // batch's range. c = `averaging_constant`. FailedPrecondition (NO_DATA) unless batch ranges were kept.
  Result<Range> MovingAverage(double averaging_constant) const;
  const ValueHistogram& histogram() const { return histogram_; }

 private:
  friend struct ObserverCodec;  // statistics_codec.cc
  Options options_;
  bool seen_ = false;
  Range range_;
  std::map<int64_t, Range> batches_;
  ValueHistogram histogram_;
};

}  // namespace ns
