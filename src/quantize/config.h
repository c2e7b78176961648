// What to quantize and how: the choices that a user, a recipe or the tuner makes. A QuantConfig and a prepared model, with the
// ranges of a calibration, give the same quantized model every time.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

// How one operator computes.
enum class OpMode {
  kFloat,       // as in the original model
  kStatic,      // uint8 activations with ranges from calibration, int8 weights
  kDynamic,     // uint8 activations with ranges taken at run time from each input, int8 weights
  kWeightOnly,  // int8 weights, float computation: smaller, not faster
};
std::string_view OpModeName(OpMode mode);  // "float", "static", "dynamic", "weight_only"
Result<OpMode> OpModeByName(std::string_view name);

// From the statistics of a tensor to the range that its integers cover.
enum class CalibrationMethod {
  kMinMax,         // all values seen
  kMovingAverage,  // exponential moving average of each batch's minimum and maximum
  kEntropy,        // the clipping with the least Kullback-Leibler divergence from the seen distribution
  kPercentile,     // all but the outermost (100 - p) % of values
  kMse,            // the clipping with the least mean squared quantization error
};
std::string_view CalibrationMethodName(CalibrationMethod method);  // "minmax", "moving_average", "entropy", "percentile", "mse"
Result<CalibrationMethod> CalibrationMethodByName(std::string_view name);

struct QuantConfig {
  // For operators without an entry in `modes`: kStatic, kDynamic or kFloat. An operator that cannot compute in the mode asked for stays
  // in float, and its decision says why.
  OpMode default_mode = OpMode::kStatic;
  std::map<std::string, OpMode> modes;  // by node name of the prepared model

  CalibrationMethod calibration = CalibrationMethod::kMinMax;
  double percentile = 99.99;          // kPercentile, in (50, 100]
  double averaging_constant = 0.01;   // kMovingAverage: weight of the newest batch, in (0, 1]

  bool per_channel = true;            // weights: one scale an output channel; false: one a tensor
  bool reduce_range = false;          // weights in 7 bits, so that u8*s8 pair sums fit in 16 bits on processors without VNNI
  bool quantize_embeddings = true;    // Gather from a float table: the table in int8 (weight-only)
  bool quantize_attention = false;    // MatMul of two activations

  bool operator==(const QuantConfig&) const = default;
};

// The configuration that suits this processor: reduce_range where it has no VNNI (`why` says so, for the report).
QuantConfig DefaultConfig(OpMode mode, std::string* why = nullptr);

}  // namespace ns
