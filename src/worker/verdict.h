// The result in words: one sentence, and why it is not faster where it is not.
#pragma once

#include <string>
#include <vector>

#include "quantize/quantizer.h"
#include "tasks/report.h"
#include "tune/accuracy_goals.h"
#include "tune/tuning_session.h"

namespace ns {

struct VerdictInput {
  AccuracyGoals goals;
  std::vector<double> values;  // of the packaged file, in the order of the goals
  bool kept_float = false;
  std::string label;   // "static, 3 operators in float"
  std::string reason;  // TuningAnswer::reason
  std::string advice;  // TuningAnswer::advice
  std::string session; // settings of ONNX Runtime's session that it was measured with; empty: the usual ones
  SpeedUp speedup;     // of the packaged file
  uint64_t float_bytes = 0;
  uint64_t optimized_bytes = 0;
};

// "static, 3 operators in float" → "static, 3 operators in float int8"; what keeps weights in 4 bits says so instead.
std::string QuantizedLabel(const std::string& label);

// "static int8: 2.31 times as fast as fp32 (95 % 2.25 to 2.38), 0.26 of its size; accuracy 0.8951 holds the limit ...".
// A result that is not faster, or that misses the goal, says so first.
std::string Verdict(const VerdictInput& input);

// What holds a quantized model back, a sentence each: operators left in float, by type and reason; no VNNI; a model so
// small that its time is not in its arithmetic. Empty for nothing remarkable.
std::vector<std::string> WhyNotFaster(const std::vector<OperatorDecision>& decisions, double float_latency_ms,
                                      bool has_vnni);

// Whether the interval of the difference crosses the limit, as a note: "with 200 rows ... "; else empty.
std::string IntervalNote(const AccuracyDifference& difference, const AccuracyCriterion& criterion, double baseline,
                         int64_t rows);

}  // namespace ns
