#include "worker/operator_advice.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

OperatorReport Hurt(std::string type) {
  OperatorReport one;
  one.name = "op";
  one.type = std::move(type);
  one.effect_db = 18;
  one.input.emplace();
  one.input->low = -1;
  one.input->high = 1;
  return one;
}

TEST(OperatorAdviceTest, AWideInputChannelAsksForTheRecipeOfItsType) {
  OperatorReport product = Hurt("MatMul");
  product.input->channel_ratio = 64;
  EXPECT_EQ(AdviceFor(product, {}), "One input channel reaches 64 times as far as the median one: SmoothQuant moves it into the weights");
  OperatorReport convolution = Hurt("Conv");
  convolution.input->channel_ratio = 8;
  EXPECT_EQ(AdviceFor(convolution, {}), "One input channel reaches 8 times as far as the median one: cross-layer equalization evens them out");
}

TEST(OperatorAdviceTest, UnevenWeightsMatterOnlyWithOneScale) {
  OperatorReport one = Hurt("Gemm");
  one.weight = WeightReport{1, 10, 40};
  OpConfig per_tensor;
  per_tensor.per_channel = false;
  EXPECT_EQ(AdviceFor(one, per_tensor), "The widest output channel of the weight is 40 times the narrowest: give each its own scale (per-channel weights)");
  EXPECT_EQ(AdviceFor(one, {}), "No single cause: another calibration method, bias correction, or float");
}

TEST(OperatorAdviceTest, LongTailsAskForClippingWhereAllIsCovered) {
  OperatorReport one = Hurt("Conv");
  one.input->tail_ratio = 6.5;
  EXPECT_EQ(AdviceFor(one, {}), "A thousandth of the input values stretch its range 6.5 times: clip them with --calibration-method percentile or entropy");
  OpConfig clipped;
  clipped.calibration = CalibrationMethod::kEntropy;
  one.input->outside = 0.025;
  EXPECT_EQ(AdviceFor(one, clipped), "2.5 % of the input values lie outside of the calibrated range: --calibration-method minmax, or more calibration rows");
}

TEST(OperatorAdviceTest, ABenignOperatorGetsNone) {
  OperatorReport one = Hurt("MatMul");
  one.input->channel_ratio = 64;
  one.effect_db = 30;
  EXPECT_EQ(AdviceFor(one, {}), "");
  one.effect_db.reset();
  one.sqnr_db = 24;
  EXPECT_NE(AdviceFor(one, {}), "");
  one.sqnr_db.reset();
  EXPECT_EQ(AdviceFor(one, {}), "");
}

TEST(OperatorAdviceTest, WithoutACauseFloatIsPriced) {
  OperatorReport one = Hurt("MatMul");
  one.float_latency_share = 0.042;
  OpConfig dynamic;
  dynamic.mode = OpMode::kDynamic;
  EXPECT_EQ(AdviceFor(one, dynamic), "No single cause: keep it in float, 4.2 % of the fp32 run");
}

}  // namespace
}  // namespace ns
