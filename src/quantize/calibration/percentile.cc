#include <algorithm>

#include "quantize/calibration/methods.h"

namespace ns {

namespace {

// The value below which `target` counts lie, walking from bin `from` in direction `step` (+1 or -1).
double Quantile(const ValueHistogram& histogram, double target, int32_t from, int32_t step) {
  double below = 0;
  for (int32_t bin = from;; bin += step) {
    double count = static_cast<double>(histogram.count(bin));
    if (below + count > target) {
      double inside = (target - below) / count;
      return (step > 0 ? bin + inside : bin + 1 - inside) * histogram.width();
    }
    below += count;
  }
}

}  // namespace

Range PercentileRange(const ValueHistogram& histogram, Range seen, double percentile) {
  int64_t total = 0;
  for (int32_t bin = -ValueHistogram::kHalfBins; bin < ValueHistogram::kHalfBins; ++bin) total += histogram.count(bin);
  double cut = static_cast<double>(total) * (100.0 - percentile) / 200.0;
  auto low = static_cast<float>(Quantile(histogram, cut, -ValueHistogram::kHalfBins, 1));
  auto high = static_cast<float>(Quantile(histogram, cut, ValueHistogram::kHalfBins - 1, -1));
  return {std::clamp(low, seen.min, seen.max), std::clamp(high, seen.min, seen.max)};
}

}  // namespace ns
