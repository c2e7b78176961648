#include "quantize/params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ns {
namespace {

// scale = (5.1 - 0) / 255 = 0.02, zero point 0.
TEST(AsymmetricUint8Test, APositiveRangeStartsAtZero) {
  QuantParams params = AsymmetricUint8({1.0f, 5.1f});
  EXPECT_FLOAT_EQ(params.scale[0], 0.02f);
  EXPECT_EQ(params.zero_point[0], 0);
  EXPECT_EQ(params.dtype, DType::kUint8);
}

// scale = (3 + 1) / 255; -min / scale = 63.75 -> 64.
TEST(AsymmetricUint8Test, ZeroIsRepresentedExactly) {
  QuantParams params = AsymmetricUint8({-1.0f, 3.0f});
  EXPECT_FLOAT_EQ(params.scale[0], 4.0f / 255.0f);
  EXPECT_EQ(params.zero_point[0], 64);
}

TEST(AsymmetricUint8Test, ANegativeRangeEndsAtZero) {
  QuantParams params = AsymmetricUint8({-2.55f, -1.0f});
  EXPECT_FLOAT_EQ(params.scale[0], 0.01f);
  EXPECT_EQ(params.zero_point[0], 255);
}

TEST(AsymmetricUint8Test, AllZeroHasScaleOne) {
  EXPECT_EQ(AsymmetricUint8({0, 0}), (QuantParams{DType::kUint8, {1.0f}, {0}, {}}));
}

TEST(AsymmetricUint8Test, ATinyRangeKeepsANormalScale) {
  EXPECT_EQ(AsymmetricUint8({0, 1e-40f}).scale[0], std::numeric_limits<float>::min());
}

// Channel 0: [1, -2, 0.5] / (2/127) = [63.5, -127, 31.75] -> [64, -127, 32] (half to even: 63.5 -> 64).
// Channel 1: all zero, scale 1.
TEST(QuantizeWeightTest, EachChannelHasItsOwnScale) {
  Tensor weight = Tensor::From<float>({2, 3}, {1.0f, -2.0f, 0.5f, 0, 0, 0});
  QuantizedWeight quantized = QuantizeWeight(weight.view(), {.axis = 0, .min_scale = {}}).value();
  EXPECT_FLOAT_EQ(quantized.params.scale[0], 2.0f / 127.0f);
  EXPECT_EQ(quantized.params.scale[1], 1.0f);
  auto q = quantized.values.values<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(q.begin(), q.end()), (std::vector<int8_t>{64, -127, 32, 0, 0, 0}));
}

// Last axis: columns [1, -4] and [2, 8]: scales 4/127 and 8/127 -> [32, -127] and [32, 127].
TEST(QuantizeWeightTest, ColumnsOfAMatMulWeight) {
  Tensor weight = Tensor::From<float>({2, 2}, {1.0f, 2.0f, -4.0f, 8.0f});
  QuantizedWeight quantized = QuantizeWeight(weight.view(), {.axis = 1, .min_scale = {}}).value();
  auto q = quantized.values.values<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(q.begin(), q.end()), (std::vector<int8_t>{32, 32, -127, 127}));
}

TEST(QuantizeWeightTest, ReducedRangeStaysInSevenBits) {
  Tensor weight = Tensor::From<float>({1, 2}, {10.0f, -63.0f});
  QuantizedWeight quantized = QuantizeWeight(weight.view(), {.axis = {}, .reduce_range = true, .min_scale = {}}).value();
  auto q = quantized.values.values<int8_t>();
  EXPECT_EQ(std::vector<int8_t>(q.begin(), q.end()), (std::vector<int8_t>{10, -63}));  // scale 63 / 63
  EXPECT_EQ(quantized.params.scale.size(), 1u);
}

// q = nearbyint(x / (max|x| / 127)), also where whole vectors and their rests take different ways; every x.5 is met.
TEST(QuantizeWeightTest, LongWeightsFollowTheFormulaInEachLayout) {
  for (int axis : {0, 1}) {
    Tensor weight(DType::kFloat, {77, 93});
    auto x = weight.mutable_values<float>();
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(static_cast<int>(i * 7919 % 255) - 127) / (i % 3 == 0 ? 2.0f : 1.0f);
    QuantizedWeight quantized = QuantizeWeight(weight.view(), {.axis = axis, .min_scale = {}}).value();
    auto q = quantized.values.values<int8_t>();
    for (size_t i = 0; i < x.size(); ++i) {
      size_t channel = axis == 0 ? i / 93 : i % 93;
      ASSERT_EQ(q[i], static_cast<int>(std::nearbyint(x[i] / quantized.params.scale[channel]))) << i;
    }
  }
}

TEST(QuantizeWeightTest, RefusesNanInTheMiddle) {
  for (int axis : {0, 1}) {
    for (float bad : {std::nanf(""), -std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
      Tensor weight = Tensor::From<float>({1, 3}, {1.0f, bad, 2.0f});
      EXPECT_EQ(QuantizeWeight(weight.view(), {.axis = axis, .min_scale = {}}).status().reason(), "NON_FINITE_WEIGHT");
    }
  }
}

TEST(QuantizeWeightTest, AScaleBoundWidensTheChannel) {
  Tensor weight = Tensor::From<float>({2, 1}, {1.27f, 1.27f});
  QuantizedWeight quantized = QuantizeWeight(weight.view(), {.axis = 0, .min_scale = {0.0f, 0.127f}}).value();
  auto q = quantized.values.values<int8_t>();
  EXPECT_EQ(q[0], 127);
  EXPECT_EQ(q[1], 10);
}

// 1 / (0.5 * 0.01) = 200; -0.0125 / 0.005 = -2.5 -> -2.
TEST(QuantizeBiasTest, UnitsAreInputScaleTimesWeightScale) {
  std::vector<float> bias = {1.0f, -0.0125f}, weight_scale = {0.01f};
  QuantizedWeight quantized = QuantizeBias(bias, 0.5f, weight_scale);
  auto q = quantized.values.values<int32_t>();
  EXPECT_EQ(q[0], 200);
  EXPECT_NEAR(q[1], -2, 1);  // the product 0.5f * 0.01f is not exactly 0.005
  EXPECT_FLOAT_EQ(quantized.params.scale[0], 0.005f);
}

// 1e-30 * 1e-30 is 0 in float: the scale is the smallest normal number, 2^-126, and a bias of 0 stays 0.
TEST(QuantizeBiasTest, AVanishingScaleStaysPositive) {
  std::vector<float> bias = {0.0f, 1.0f}, weight_scale = {1e-30f};
  QuantizedWeight quantized = QuantizeBias(bias, 1e-30f, weight_scale);
  auto q = quantized.values.values<int32_t>();
  EXPECT_EQ(q[0], 0);
  EXPECT_EQ(q[1], std::numeric_limits<int32_t>::max());
  EXPECT_EQ(quantized.params.scale[0], std::numeric_limits<float>::min());
}

}  // namespace
}  // namespace ns
