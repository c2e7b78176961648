#include "quantize/observers/observer.h"

#include <algorithm>
#include <cmath>

#include "quantize/observers/range_scan.h"

namespace ns {

namespace {

// Narrower bins than this would divide values below the smallest normal float.
constexpr int kSmallestExponent = -126;

// The smallest exponent whose bins cover the range: min >= -H * w and max < H * w.
int ExponentFor(Range range) {
  double reach = std::max(-static_cast<double>(range.min), std::nextafter(static_cast<double>(range.max), 1e300));
  if (reach <= std::ldexp(ValueHistogram::kHalfBins, kSmallestExponent)) return kSmallestExponent;
  int exponent = static_cast<int>(std::ceil(std::log2(reach / ValueHistogram::kHalfBins)));
  // log2 of a number next to a power of two may round either way.
  while (std::ldexp(ValueHistogram::kHalfBins, exponent) < reach) ++exponent;
  while (std::ldexp(ValueHistogram::kHalfBins, exponent - 1) >= reach) --exponent;
  return exponent;
}

}  // namespace

double ValueHistogram::width() const { return std::ldexp(1.0, exponent_); }

void ValueHistogram::GrowTo(int exponent) {
  if (exponent - exponent_ >= 13) {  // everything ends in the two bins beside 0
    int64_t negative = 0, positive = 0;
    for (int32_t i = 0; i < kHalfBins; ++i) {
      negative += counts_[static_cast<size_t>(i)];
      positive += counts_[static_cast<size_t>(i + kHalfBins)];
    }
    std::fill(counts_.begin(), counts_.end(), 0);
    counts_[kHalfBins - 1] = negative;
    counts_[kHalfBins] = positive;
    exponent_ = exponent;
  }
  for (; exponent_ < exponent; ++exponent_) {
    std::vector<int64_t> merged(counts_.size(), 0);
    for (int32_t bin = -kHalfBins; bin < kHalfBins; ++bin) {
      int32_t half = bin >= 0 ? bin / 2 : (bin - 1) / 2;  // floor
      merged[static_cast<size_t>(half + kHalfBins)] += counts_[static_cast<size_t>(bin + kHalfBins)];
    }
    counts_ = std::move(merged);
  }
}

void ValueHistogram::Add(std::span<const float> values, Range range) {
  int needed = ExponentFor(range);
  if (empty()) {
    counts_.assign(2 * kHalfBins, 0);
    exponent_ = needed;
  } else if (needed > exponent_) {
    GrowTo(needed);
  }
  // 2^126 is the largest finite power of two whose product with small values stays exact; bins at the smallest exponent are 2^-126 wide.
  CountBins(values, std::ldexp(1.0f, -exponent_), kHalfBins, counts_);
}

void ValueHistogram::Merge(const ValueHistogram& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = other;
    return;
  }
  ValueHistogram aligned = other;
  aligned.GrowTo(std::max(exponent_, other.exponent_));
  GrowTo(aligned.exponent_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += aligned.counts_[i];
}

Status TensorObserver::Observe(int64_t batch, std::span<const float> values) {
  if (values.empty()) return OkStatus();
  RangeScan scan = ScanRange(values);
  if (!scan.finite) return InvalidArgument("a value is NaN or infinite", "NON_FINITE_VALUE");
  Range range{scan.min, scan.max};
  range_ = seen_ ? Range{std::min(range_.min, range.min), std::max(range_.max, range.max)} : range;
  seen_ = true;
  if (options_.batch_ranges) {
    auto [entry, added] = batches_.emplace(batch, range);
    if (!added) entry->second = {std::min(entry->second.min, range.min), std::max(entry->second.max, range.max)};
  }
  if (options_.histogram) histogram_.Add(values, range);
  return OkStatus();
}

void TensorObserver::Merge(const TensorObserver& other) {
  if (other.empty()) return;
  range_ = seen_ ? Range{std::min(range_.min, other.range_.min), std::max(range_.max, other.range_.max)} : other.range_;
  seen_ = true;
  for (const auto& [batch, range] : other.batches_) batches_[batch] = range;
  histogram_.Merge(other.histogram_);
}

Result<Range> TensorObserver::range() const {
  if (!seen_) return FailedPrecondition("no value was seen", "NO_DATA");
  return range_;
}

Result<Range> TensorObserver::MovingAverage(double averaging_constant) const {
  if (batches_.empty()) return FailedPrecondition("no batch was seen", "NO_DATA");
  double low = batches_.begin()->second.min, high = batches_.begin()->second.max;
  for (auto it = std::next(batches_.begin()); it != batches_.end(); ++it) {
    low += averaging_constant * (it->second.min - low);
    high += averaging_constant * (it->second.max - high);
  }
  return Range{static_cast<float>(low), static_cast<float>(high)};
}

}  // namespace ns
