#include "quantize/sqnr.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ns {

void ErrorSums::Add(std::span<const float> exact, std::span<const float> other) {
  ErrorSums sums;
  for (size_t i = 0; i < exact.size(); ++i) {
    double difference = static_cast<double>(exact[i]) - other[i];
    sums.signal += static_cast<double>(exact[i]) * exact[i];
    sums.noise += difference * difference;
  }
  Add(sums);
}

void ErrorSums::Add(const ErrorSums& more) {
  signal += more.signal;
  noise += more.noise;
}

double ErrorSums::sqnr_db() const {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  if (!std::isfinite(noise)) return -std::numeric_limits<double>::infinity();
  return 10 * std::log10(std::max(signal, std::numeric_limits<double>::min()) / noise);
}

}  // namespace ns
