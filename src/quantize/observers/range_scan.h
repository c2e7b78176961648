// The inner loops over activations: minimum, maximum and a check for NaN and infinity, in one read of memory.
#pragma once

#include <cstdint>
#include <span>

namespace ns {

struct RangeScan {
  float min = 0;
  float max = 0;
  bool finite = true;  // false: some value is NaN or infinite, and min and max mean nothing
};

// `values` is not empty.
RangeScan ScanRange(std::span<const float> values);

// Adds one to counts[origin + floor(x * inverse_width)] for every x; `inverse_width` is a power of two, and every index is in range.
void CountBins(std::span<const float> values, float inverse_width, int32_t origin, std::span<int64_t> counts);

}  // namespace ns
