// Signal to quantization noise ratio.
#pragma once

#include <span>

namespace ns {

// Sums of squares of a signal and of its error.
struct ErrorSums {
  double signal = 0, noise = 0;

  // Spans of one length.
  void Add(std::span<const float> exact, std::span<const float> other);
  void Add(const ErrorSums& more);
  // 10 log10(signal / noise); +infinity without noise, -infinity when the noise is no number.
  double sqnr_db() const;
};

}  // namespace ns
