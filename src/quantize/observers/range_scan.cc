#include "quantize/observers/range_scan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/target_clones.h"

namespace ns {

namespace {

constexpr size_t kLanes = 64;

// x - x is 0 for finite x and NaN otherwise; a sum of them stays 0 only when all are finite. Lanes let the compiler use whole vectors.
NS_TARGET_CLONES void ScanLanes(const float* values, size_t count, float* low, float* high, float* poison) {
  for (size_t i = 0; i < count; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      float x = values[i + lane];
      low[lane] = x < low[lane] ? x : low[lane];
      high[lane] = x > high[lane] ? x : high[lane];
      poison[lane] += x - x;
    }
  }
}

NS_TARGET_CLONES void BinIndexes(const float* values, size_t count, float inverse_width, int32_t origin, int32_t* indexes) {
  for (size_t i = 0; i < count; ++i) {
    // floor() through integers: truncate, then one less where truncation went up.
    float scaled = values[i] * inverse_width;
    int32_t index = static_cast<int32_t>(scaled);
    indexes[i] = index - (static_cast<float>(index) > scaled) + origin;
  }
}

}  // namespace

RangeScan ScanRange(std::span<const float> values) {
  alignas(64) std::array<float, kLanes> low, high, poison;
  low.fill(values[0]);
  high.fill(values[0]);
  poison.fill(0);
  size_t whole = values.size() / kLanes * kLanes;
  ScanLanes(values.data(), whole, low.data(), high.data(), poison.data());
  RangeScan scan{values[0], values[0], true};
  float sum = 0;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    scan.min = std::min(scan.min, low[lane]);
    scan.max = std::max(scan.max, high[lane]);
    sum += poison[lane];
  }
  for (float x : values.subspan(whole)) {
    scan.min = std::min(scan.min, x);
    scan.max = std::max(scan.max, x);
    sum += x - x;
  }
  // Of -0 and 0 the order of the values would decide which is left.
  scan.min += 0.0f;
  scan.max += 0.0f;
  scan.finite = sum == 0;
  return scan;
}

void CountBins(std::span<const float> values, float inverse_width, int32_t origin, std::span<int64_t> counts) {
  constexpr size_t kBlock = 2048, kWays = 4;
  // Neighbouring values often fall into one bin; four counters a bin keep their increments from waiting for each other.
  thread_local std::vector<uint32_t> ways;
  ways.assign(counts.size() * kWays, 0);
  alignas(64) std::array<int32_t, kBlock> indexes;
  for (size_t done = 0; done < values.size(); done += kBlock) {
    size_t count = std::min(kBlock, values.size() - done);
    BinIndexes(values.data() + done, count, inverse_width, origin, indexes.data());
    for (size_t i = 0; i < count; ++i) ++ways[static_cast<size_t>(indexes[i]) * kWays + i % kWays];
  }
  for (size_t bin = 0; bin < counts.size(); ++bin) {
    const uint32_t* way = &ways[bin * kWays];
    counts[bin] += static_cast<int64_t>(way[0]) + way[1] + way[2] + way[3];
  }
}

}  // namespace ns
