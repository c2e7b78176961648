// Which of two models that hold the accuracy is the better one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ns {

// How fast a model is beside the fp32 one, measured interleaved: fp32 time over its time, with the 95 % interval.
struct MeasuredSpeed {
  double speedup = 1;
  double low = 1;
  double high = 1;
  bool operator==(const MeasuredSpeed&) const = default;
};

// All that an objective looks at.
struct MeasuredModel {
  MeasuredSpeed speed;
  uint64_t size_bytes = 0;
  uint64_t memory_bytes = 0;  // peak of a process that runs it; 0: not measured
  double latency_ms = 0;      // median, for people: only the speed-up compares models of different timings
  bool operator==(const MeasuredModel&) const = default;
};

enum class SpeedVerdict { kFaster, kSame, kSlower };

struct Objective {
  // Weights of what counts; not negative, not all 0.
  double performance = 1;
  double size = 0;
  double memory = 0;

  // How many times better than fp32 a model is: the weighted geometric mean of speed-up, float_model.size / size and
  // float_model.memory / memory; above 1 is better. With its interval, that of the speed-up. A memory that was not
  // measured counts as no gain.
  MeasuredSpeed Gain(const MeasuredModel& model, const MeasuredModel& float_model) const;

  // A difference within the interval of the measurement is no difference.
  static SpeedVerdict CompareWithFloat(const MeasuredSpeed& speed);

  // True when the quantized model should be handed out rather than fp32: better by Gain(), or as good within the interval
  // and at most `worthwhile_size` of its bytes.
  bool BeatsFloat(const MeasuredModel& model, const MeasuredModel& float_model) const;

  // True when a gain of `promised` (of a model not repaired yet, so it can only fall) is more than `best` already gives.
  bool WorthMore(double promised, double best) const { return promised > best * (1 + least_gain); }

  bool needs_memory() const { return memory > 0; }
  // "performance", "size and memory", for people.
  std::string ToString() const;

  double worthwhile_size = 0.75;  // as good as fp32: taken when it has at most this share of its bytes
  double least_gain = 0.05;       // a gain below this is not worth further evaluations
};

}  // namespace ns
