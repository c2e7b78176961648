// Scales and zero points: from a range of real values to the integers that stand for them.
//
//   q = clamp(round_half_even(x / scale) + zero_point, qmin, qmax)        x' = (q - zero_point) * scale
//
// as ONNX QuantizeLinear and DequantizeLinear define them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Closed range of real values; min <= max.
struct Range {
  float min = 0;
  float max = 0;
  bool operator==(const Range&) const = default;
};

// One scale and zero point (no axis), or one for each index of `axis` of the tensor.
struct QuantParams {
  DType dtype = DType::kUint8;  // kUint8, kInt8 or kInt32
  std::vector<float> scale;
  std::vector<int32_t> zero_point;  // as long as scale
  std::optional<int> axis;
  bool operator==(const QuantParams&) const = default;
};

// uint8 with a zero point: the range widened to contain 0, scale = (max - min) / 255, zero_point = round(-min / scale) in [0, 255], so
// that 0 is represented exactly. An empty range (all values 0) has scale 1 and zero point 0. Scales are at least 2^-126.
QuantParams AsymmetricUint8(Range range);

// A weight quantized to int8 around 0 with values in [-127, 127], or [-63, 63] with `reduce_range`. Shape as the weight's.
struct QuantizedWeight {
  Tensor values;  // kInt8
  QuantParams params;
};

struct WeightOptions {
  std::optional<int> axis;   // one scale for each index of this axis; none: one for the tensor
  bool reduce_range = false;
  // Smallest scale allowed for each channel (as long as the axis, or one value), so that an int32 bias in units of input scale times
  // weight scale cannot overflow; empty: no bound.
  std::vector<float> min_scale;
};

// The smallest weight scale for each channel with which its bias, in units of input_scale times it, fits in an int32.
std::vector<float> SmallestScales(std::span<const float> bias, float input_scale);

// InvalidArgument (NON_FINITE_WEIGHT) when a weight is NaN or infinite. `weight` is kFloat.
Result<QuantizedWeight> QuantizeWeight(const TensorView& weight, const WeightOptions& options);

// bias[c] / (input_scale * weight_scale[c]) rounded half to even, as int32, with scale input_scale * weight_scale[c] and zero point 0 on
// axis 0. `weight_scale` has one entry or one a channel.
QuantizedWeight QuantizeBias(std::span<const float> bias, float input_scale, std::span<const float> weight_scale);

}  // namespace ns
