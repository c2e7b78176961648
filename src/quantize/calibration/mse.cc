#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "quantize/calibration/methods.h"

namespace ns {

namespace {

constexpr int kCandidates = 80;
constexpr double kSmallestShare = 0.2;  // of the seen end; clipping more never pays in 8 bits

using Bins = std::vector<std::pair<double, double>>;  // centre, count

double SquaredError(const Bins& bins, Range range) {
  QuantParams params = AsymmetricUint8(range);
  double scale = params.scale[0], zero = params.zero_point[0], error = 0;
  for (const auto& [x, count] : bins) {
    double q = std::clamp(std::nearbyint(x / scale) + zero, 0.0, 255.0);
    double difference = x - (q - zero) * scale;
    error += count * difference * difference;
  }
  return error;
}

// The best share of `end` (a reference into `range`), the other end as it is.
void ShrinkEnd(const Bins& bins, Range& range, float Range::*end) {
  float whole = range.*end;
  double best = SquaredError(bins, range);
  Range chosen = range;
  for (int i = 1; i < kCandidates; ++i) {
    range.*end = static_cast<float>(whole * (1.0 - (1.0 - kSmallestShare) * i / kCandidates));
    double error = SquaredError(bins, range);
    if (error < best) {
      best = error;
      chosen = range;
    }
  }
  range = chosen;
}

}  // namespace

Range MseRange(const ValueHistogram& histogram, Range seen) {
  Bins bins;
  for (int32_t bin = -ValueHistogram::kHalfBins; bin < ValueHistogram::kHalfBins; ++bin) {
    if (histogram.count(bin) > 0) bins.emplace_back((bin + 0.5) * histogram.width(), static_cast<double>(histogram.count(bin)));
  }
  Range range = seen;
  for (int pass = 0; pass < 2; ++pass) {
    if (range.max > 0) ShrinkEnd(bins, range, &Range::max);
    if (range.min < 0) ShrinkEnd(bins, range, &Range::min);
  }
  return range;
}

}  // namespace ns
