#include "quantize/observers/channel_observer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/target_clones.h"

namespace ns {

namespace {

constexpr double kUnit = 4294967296.0;  // 2^32

// One row of a value with the channels last.
NS_TARGET_CLONES void AddRow(const float* row, int64_t channels, float* min, float* max, double* sum) {
  for (int64_t c = 0; c < channels; ++c) {
    min[c] = row[c] < min[c] ? row[c] : min[c];
    max[c] = row[c] > max[c] ? row[c] : max[c];
    sum[c] += row[c];
  }
}

// All values of one channel of one row.
NS_TARGET_CLONES void AddPlane(const float* values, int64_t count, float* min, float* max, double* sum) {
  float low = *min, high = *max;
  for (int64_t i = 0; i < count; ++i) {
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  *min = low;
  *max = high;
  double total = 0;
  for (int64_t i = 0; i < count; ++i) total += values[i];
  *sum += total;
}

}  // namespace

Status ChannelObserver::Observe(const TensorView& values) {
  size_t axis = axis_ == ChannelAxis::kSecond ? 1 : values.shape.size() - 1;
  size_t least = axis_ == ChannelAxis::kSecond ? 2 : 1;
  int64_t channels = values.shape.size() < least ? 0 : values.shape[axis];
  if (channels < 1 || (!min_.empty() && static_cast<int64_t>(min_.size()) != channels)) {
    return InvalidArgument(fmt::format("a value of shape {} where {} channels were seen before", ShapeToString(values.shape), min_.size()),
                           "CHANNEL_COUNT_CHANGED");
  }
  if (values.count() == 0) return OkStatus();
  auto size = static_cast<size_t>(channels);
  min_.resize(size, std::numeric_limits<float>::infinity());
  max_.resize(size, -std::numeric_limits<float>::infinity());
  std::vector<double> sums(size, 0);
  const float* data = values.values<float>().data();
  int64_t inner = 1;
  for (size_t i = axis + 1; i < values.shape.size(); ++i) inner *= values.shape[i];
  int64_t rows = values.count() / channels / inner;
  for (int64_t row = 0; row < rows; ++row) {
    if (inner == 1) {
      AddRow(data, channels, min_.data(), max_.data(), sums.data());
      data += channels;
      continue;
    }
    for (size_t c = 0; c < size; ++c, data += inner) AddPlane(data, inner, &min_[c], &max_[c], &sums[c]);
  }
  count_ += rows * inner;
  AddSums(sums);
  return OkStatus();
}

void ChannelObserver::AddSums(const std::vector<double>& sums) {
  sum_.resize(sums.size(), 0);
  constexpr double kLimit = 1e30;  // far from the ends of 128 bits
  for (size_t c = 0; c < sums.size(); ++c) sum_[c] += static_cast<__int128>(std::clamp(std::nearbyint(sums[c] * kUnit), -kLimit, kLimit));
}

void ChannelObserver::Merge(const ChannelObserver& other) {
  if (other.min_.empty()) return;
  if (min_.empty()) {
    *this = other;
    return;
  }
  NS_CHECK(min_.size() == other.min_.size(), "{} and {} channels", min_.size(), other.min_.size());
  for (size_t c = 0; c < min_.size(); ++c) {
    min_[c] = std::min(min_[c], other.min_[c]);
    max_[c] = std::max(max_[c], other.max_[c]);
    sum_[c] += other.sum_[c];
  }
  count_ += other.count_;
}

std::vector<double> ChannelObserver::mean() const {
  std::vector<double> means;
  for (__int128 sum : sum_) means.push_back(static_cast<double>(sum) / kUnit / static_cast<double>(count_));
  return means;
}

}  // namespace ns
