#include "quantize/params.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/target_clones.h"

namespace ns {

namespace {

constexpr float kSmallestScale = std::numeric_limits<float>::min();  // 2^-126: a subnormal scale loses its own precision

// A weight seen as [outer, channels, inner]; per tensor: one channel.
struct Blocks {
  int64_t outer = 1, channels = 1, inner = 1;
};

Blocks BlocksOf(const Shape& shape, std::optional<int> axis) {
  Blocks blocks;
  if (!axis) {
    blocks.inner = ElementCount(shape);
    return blocks;
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t size = shape[i];
    if (static_cast<int>(i) < *axis) blocks.outer *= size;
    if (static_cast<int>(i) == *axis) blocks.channels = size;
    if (static_cast<int>(i) > *axis) blocks.inner *= size;
  }
  return blocks;
}

// Magnitudes are compared as integers: the bits of |x| grow with |x|, infinity and then NaN above all else, so that neither gets lost.
constexpr uint32_t kMagnitude = 0x7fffffff;

NS_TARGET_CLONES uint32_t LargestMagnitude(const float* in, int64_t count, uint32_t largest) {
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::bit_cast<uint32_t>(in[i]) & kMagnitude);
  return largest;
}

NS_TARGET_CLONES void LargestMagnitudes(const float* in, int64_t count, uint32_t* largest) {
  for (int64_t i = 0; i < count; ++i) largest[i] = std::max(largest[i], std::bit_cast<uint32_t>(in[i]) & kMagnitude);
}

// Largest magnitude of each channel; infinity or NaN where there is one.
std::vector<float> AbsMaxima(const float* data, const Blocks& blocks) {
  std::vector<uint32_t> largest(static_cast<size_t>(blocks.channels), 0);
  for (int64_t o = 0; o < blocks.outer; ++o) {
    if (blocks.inner == 1) {
      LargestMagnitudes(data, blocks.channels, largest.data());
      data += blocks.channels;
      continue;
    }
    for (uint32_t& channel : largest) {
      channel = LargestMagnitude(data, blocks.inner, channel);
      data += blocks.inner;
    }
  }
  std::vector<float> maxima;
  for (uint32_t bits : largest) maxima.push_back(std::bit_cast<float>(bits));
  return maxima;
}

// Rounds half to even what is within [-2^22, 2^22]: a float at 1.5 * 2^23 has no bits below the point.
constexpr float kRounder = 12582912.0f;

inline int8_t RoundClamp(float scaled, float limit) {
  float clamped = scaled < -limit ? -limit : scaled > limit ? limit : scaled;
  return static_cast<int8_t>(static_cast<int32_t>((clamped + kRounder) - kRounder));
}

NS_TARGET_CLONES void QuantizeRun(const float* in, int8_t* out, int64_t count, float scale, float limit) {
  for (int64_t i = 0; i < count; ++i) out[i] = RoundClamp(in[i] / scale, limit);
}

NS_TARGET_CLONES void QuantizeEach(const float* in, int8_t* out, int64_t count, const float* scale, float limit) {
  for (int64_t i = 0; i < count; ++i) out[i] = RoundClamp(in[i] / scale[i], limit);
}

void Quantize(const float* in, int8_t* out, const Blocks& blocks, const std::vector<float>& scale, float limit) {
  for (int64_t o = 0; o < blocks.outer; ++o) {
    if (blocks.inner == 1) {
      QuantizeEach(in, out, blocks.channels, scale.data(), limit);
      in += blocks.channels;
      out += blocks.channels;
      continue;
    }
    for (float s : scale) {
      QuantizeRun(in, out, blocks.inner, s, limit);
      in += blocks.inner;
      out += blocks.inner;
    }
  }
}

}  // namespace

QuantParams AsymmetricUint8(Range range) {
  QuantParams params;
  double low = std::min(0.0f, range.min), high = std::max(0.0f, range.max);
  double scale = (high - low) / 255.0;
  if (scale == 0) {
    params.scale = {1.0f};
    params.zero_point = {0};
    return params;
  }
  params.scale = {std::max(static_cast<float>(scale), kSmallestScale)};
  params.zero_point = {static_cast<int32_t>(std::clamp(std::nearbyint(-low / params.scale[0]), 0.0, 255.0))};
  return params;
}

// |b| / (input_scale * s) <= 2^31 - 2^8, a float near 2^31.
std::vector<float> SmallestScales(std::span<const float> bias, float input_scale) {
  std::vector<float> scales;
  for (float b : bias) scales.push_back(std::fabs(b) / input_scale / 2147483392.0f);
  return scales;
}

Result<QuantizedWeight> QuantizeWeight(const TensorView& weight, const WeightOptions& options) {
  Blocks blocks = BlocksOf(weight.shape, options.axis);
  const float* data = weight.values<float>().data();
  float limit = options.reduce_range ? 63.0f : 127.0f;
  std::vector<float> scale = AbsMaxima(data, blocks);
  for (size_t c = 0; c < scale.size(); ++c) {
    if (!std::isfinite(scale[c])) return InvalidArgument("the weight holds NaN or infinity", "NON_FINITE_WEIGHT");
    scale[c] = scale[c] == 0 ? 1.0f : std::max(scale[c] / limit, kSmallestScale);
    if (!options.min_scale.empty()) {
      scale[c] = std::max(scale[c], options.min_scale[options.min_scale.size() == 1 ? 0 : c]);
    }
  }
  QuantizedWeight result;
  result.values = Tensor(DType::kInt8, weight.shape);
  Quantize(data, static_cast<int8_t*>(result.values.mutable_data()), blocks, scale, limit);
  result.params.dtype = DType::kInt8;
  result.params.zero_point.assign(scale.size(), 0);
  result.params.scale = std::move(scale);
  result.params.axis = options.axis;
  return result;
}

QuantizedWeight QuantizeBias(std::span<const float> bias, float input_scale, std::span<const float> weight_scale) {
  QuantizedWeight result;
  result.values = Tensor(DType::kInt32, {static_cast<int64_t>(bias.size())});
  auto out = result.values.mutable_values<int32_t>();
  result.params.dtype = DType::kInt32;
  result.params.axis = 0;
  for (size_t c = 0; c < bias.size(); ++c) {
    // The product of two small scales may vanish; the kernel's own product then does too, and the bias with it.
    float scale = std::max(input_scale * weight_scale[weight_scale.size() == 1 ? 0 : c], kSmallestScale);
    double value = std::nearbyint(static_cast<double>(bias[c]) / scale);
    constexpr double kMin = std::numeric_limits<int32_t>::min(), kMax = std::numeric_limits<int32_t>::max();
    out[c] = static_cast<int32_t>(std::clamp(value, kMin, kMax));
    result.params.scale.push_back(scale);
    result.params.zero_point.push_back(0);
  }
  return result;
}

}  // namespace ns
