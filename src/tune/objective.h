// Which of two models that hold the accuracy is the better one.
#pragma once

#include <cstdint>

namespace ns {

// How fast a model is beside the fp32 one, measured interleaved: fp32 time over its time, with the 95 % interval.
struct MeasuredSpeed {
  double speedup = 1;
  double low = 1;
  double high = 1;
};

enum class SpeedVerdict { kFaster, kSame, kSlower };

struct Objective {
  // A difference within the interval of the measurement is no difference.
  static SpeedVerdict CompareWithFloat(const MeasuredSpeed& speed);

  // True when the quantized model should be handed out rather than fp32: faster, or as fast and at most
  // `worthwhile_size` of its bytes.
  bool BeatsFloat(const MeasuredSpeed& speed, uint64_t size_bytes, uint64_t float_size_bytes) const;

  // True when a model with the speed-up `fast` (not repaired yet, so it can only get slower) promises more than `best`
  // already gives.
  bool WorthRepair(double fast, double best) const { return fast > best * (1 + least_gain); }

  double worthwhile_size = 0.75;  // as fast as fp32: taken when it has at most this share of its bytes
  double least_gain = 0.05;       // a gain in speed below this is not worth further evaluations
};

}  // namespace ns
