// What to quantize and how: the choices that a user, a recipe or the tuner makes. A QuantConfig and a prepared model, with the
// ranges of a calibration, give the same quantized model every time.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

// How one operator computes.
enum class OpMode {
  kFloat,       // as in the original model
  kStatic,      // uint8 activations with ranges from calibration, int8 weights
  kDynamic,     // uint8 activations with ranges taken at run time from each input, int8 weights
  kWeightOnly,  // int8 weights, float computation: smaller, and faster only where a run has few rows
  kWeightOnlyInt4,  // the same with weights in blocks of 4 bits (quantize/block_weight.h): half the size again, faster still, and less exact
};
inline constexpr size_t kOpModes = 5;
std::string_view OpModeName(OpMode mode);  // "float", "static", "dynamic", "weight_only", "weight_only_int4"
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

// How one operator is treated.
struct OpConfig {
  // kWeightOnly: MatMul and tables. kWeightOnlyInt4: MatMul and Gemm; tables then are in int8. An operator that cannot compute in the mode asked for stays in float, and its decision says why.
  OpMode mode = OpMode::kStatic;
  // Static: how the ranges are found of what it reads from float operators, and of the integers that it makes itself. What another operator
  // makes as integers has that operator's range: an edge between integer operators is quantized once.
  CalibrationMethod calibration = CalibrationMethod::kMinMax;
  bool per_channel = true;  // weight: one scale an output channel; false: one a tensor. Not of int4
  int block = 32;            // int4: elements that share a scale, a power of two from 16 to 256
  bool zero_points = false;  // int4: blocks have zero points

  bool operator==(const OpConfig&) const = default;
};

// SmoothQuant (quantize/recipes/smooth_quant.h): how much of what an activation's channels differ by moves into the weights that read them.
struct SmoothQuantConfig {
  double alpha = 0.5;  // in [0, 1]; 1: all of it, 0: the weights are flattened instead
  // By operator, in the place of `alpha`; operators that read one value share that of the first of them that is named.
  std::map<std::string, double, std::less<>> alphas;

  bool operator==(const SmoothQuantConfig&) const = default;
};

struct QuantConfig {
  OpConfig defaults;                                         // for operators without an entry
  std::map<std::string, OpConfig, std::less<>> operators;    // by node name of the prepared model

  double percentile = 99.99;          // kPercentile, in (50, 100]
  double averaging_constant = 0.01;   // kMovingAverage: weight of the newest batch, in (0, 1]

  bool reduce_range = false;          // weights in 7 bits, so that u8*s8 pair sums fit in 16 bits on processors without VNNI
  bool quantize_embeddings = true;    // Gather from a float table: the table in int8 (weight-only)
  bool quantize_attention = false;    // MatMul of two activations

  // Recipes over the whole model. They need the statistics of channels (CalibrationOptions::channels).
  std::optional<SmoothQuantConfig> smooth_quant;  // of products (MatMul, Gemm), static and dynamic
  bool equalize = false;         // cross-layer equalization (quantize/recipes/equalize.h)
  bool bias_correction = false;  // of convolutions and products with a bias (quantize/recipes/bias_correction.h)

  // The treatment of the operator `name`: its entry, or `defaults`.
  const OpConfig& Of(std::string_view name) const;
  // Its entry, made from `defaults` where it has none: later changes of `defaults` do not reach it.
  OpConfig& Edit(std::string_view name);
  void SetMode(std::string_view name, OpMode mode) { Edit(name).mode = mode; }

  bool operator==(const QuantConfig&) const = default;
};

// One line that tells configurations apart that quantize differently, for cache keys and for people: what differs from QuantConfig(), then in the order
// of names what differs from the defaults at an operator; "default" when nothing does. Two configurations with the same text give the same
// model (entries that repeat the defaults, or say more of an operator than that it stays in float, make no difference).
//
//   mode=dynamic weights=per_tensor reduce_range=true "conv1"(mode=float) "conv2"(mode=static calibration=mse)
std::string Canonical(const QuantConfig& config);

// `config` without the fields that mean nothing in its mode: an operator in float has no other choice, only int4 has blocks.
OpConfig Effective(const OpConfig& config);

// The configuration that suits this processor: reduce_range where it has no VNNI (`why` says so, for the report).
QuantConfig DefaultConfig(OpMode mode, std::string* why = nullptr);

}  // namespace ns
