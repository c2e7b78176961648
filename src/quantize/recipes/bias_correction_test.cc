#include "quantize/recipes/bias_correction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data/array_data_set.h"
#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

QuantConfig Config(bool corrected, OpMode mode = OpMode::kStatic) {
  QuantConfig config;
  config.defaults.mode = mode;
  config.defaults.per_channel = false;
  config.bias_correction = corrected;
  return config;
}

// The largest mean error of an output column.
double LargestMeanError(const Bench& bench, const QuantConfig& config, size_t columns) {
  std::vector<float> exact = RunModel(bench.model, *bench.data);
  std::vector<float> quantized = RunModel(bench.quantizer.Quantize(config).value().model, *bench.data);
  std::vector<double> errors(columns, 0);
  for (size_t i = 0; i < exact.size(); ++i) errors[i % columns] += quantized[i] - exact[i];
  double largest = 0;
  for (double error : errors) largest = std::max(largest, std::fabs(error) / static_cast<double>(exact.size() / columns));
  return largest;
}

// Inputs of mean 3 and one weight 50 times the others, so that one scale rounds the others coarsely.
Model Layers(const std::string& body, Shape weight) {
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,4,16] x0) => (float y) <float[1] w = {{0}}, float[1] b = {{0}}, float three = {{3}}, int64[2] flat = {{-1,16}}> {{ x = Add (x0, three)  {} }})", body)).value();
  SetRandomWeight(model, "w", weight, 0.1f, 1);
  Tensor values = Tensor::From<float>(weight, model.Weight("w").value().values<float>());
  values.mutable_values<float>()[5] = 5;
  model.SetWeight("w", values);
  SetRandomWeight(model, "b", {16}, 0.1f, 2);
  return Prepared(std::move(model));
}

class BiasCorrectionTest : public testing::TestWithParam<std::pair<const char*, Shape>> {};

TEST_P(BiasCorrectionTest, TakesTheMeanErrorBack) {
  auto [body, weight] = GetParam();
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    SCOPED_TRACE(OpModeName(mode));
    if (mode == OpMode::kDynamic && weight.size() == 3) continue;  // convolutions
    Bench bench(Layers(body, weight), {64, 4, 16});
    EXPECT_LT(LargestMeanError(bench, Config(true, mode), 16), LargestMeanError(bench, Config(false, mode), 16) / 4);
    EXPECT_GT(bench.Sqnr(Config(true, mode)), bench.Sqnr(Config(false, mode)) + 3);
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, BiasCorrectionTest,
                         testing::Values(std::pair{"[product] a = MatMul (x, w)  y = Add (a, b)", Shape{16, 16}},
                                         std::pair{"[product] a = MatMul (x, w)  y = Add (b, a)", Shape{16, 16}},
                                         std::pair{"r = Reshape (x, flat)  [gemm] y = Gemm (r, w, b)", Shape{16, 16}},
                                         std::pair{"r = Reshape (x, flat)  [gemm] y = Gemm <transB = 1> (r, w)", Shape{16, 16}},
                                         std::pair{"t = Transpose <perm = [0,2,1]> (x)  [conv] c = Conv (t, w, b)  y = Transpose <perm = [0,2,1]> (c)", Shape{16, 16, 1}},
                                         std::pair{"t = Transpose <perm = [0,2,1]> (x)  [conv] c = Conv <group = 4> (t, w)  y = Transpose <perm = [0,2,1]> (c)", Shape{16, 4, 1}}));

// W = 1.27 and 0.014 with one scale of 0.01: the second is rounded to 0.01, and 0.004 * 10 is missing of the sum.
TEST(BiasCorrectionsTest, IsTheRoundingTimesTheMean) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,1] y) <float[2,1] w = {1.27, 0.014}> { [gemm] y = Gemm (x, w) })").value();
  GraphIndex index(model);
  auto means = [](const std::string&, ChannelAxis) -> Result<std::vector<double>> { return std::vector<double>{7, 10}; };
  auto corrections = BiasCorrections(model, index, MakePlan(model, index, {}), {}, means, {}).value();
  EXPECT_THAT(corrections.at("gemm"), ElementsAre(FloatNear(0.04f, 1e-5f)));
  ASSERT_TRUE(ApplyBiasCorrections(corrections, &model).ok());
  EXPECT_THAT(model.Weight(model.graph().node(0).input(2)).value().values<float>(), ElementsAre(FloatNear(0.04f, 1e-5f)));
  EXPECT_EQ(ApplyBiasCorrections({{"gemm", {1, 2}}}, &model).reason(), "BAD_FACTS");
}

// A bias of 2147483392 * 1e-9 * 0.03 needs a scale of 0.03 at least beside an input scale of 1e-9. 1.27 is rounded to 42 * 0.03 = 1.26 and
// 0.014 to 0, so that the sum is too small by 0.01 * 7 + 0.014 * 10 = 0.21.
TEST(BiasCorrectionsTest, IsOfTheScaleThatTheBiasAllows) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,1] y) <float[2,1] w = {1.27, 0.014}, float[1] b = {0.0644245}> { [gemm] y = Gemm (x, w, b) })").value();
  GraphIndex index(model);
  auto means = [](const std::string&, ChannelAxis) -> Result<std::vector<double>> { return std::vector<double>{7, 10}; };
  auto scale = [](const RangeId& id) -> Result<float> { return id.value == "x" ? 1e-9f : 1.0f; };
  auto corrections = BiasCorrections(model, index, MakePlan(model, index, {}), {}, means, scale).value();
  EXPECT_THAT(corrections.at("gemm"), ElementsAre(FloatNear(0.21f, 1e-5f)));
}

TEST(BiasCorrectionsTest, AProductWithoutABiasIsLeft) {
  Bench bench(Layers("[product] a = MatMul (x, w)  y = Tanh (a)", {16, 16}), {8, 4, 16});
  EXPECT_TRUE(bench.quantizer.Facts(Config(true)).value().bias_corrections.empty());
}

// Blocks of 4 bits are rounded in another way than int8, so what int8 would shift says nothing about them.
TEST(BiasCorrectionsTest, WeightsIn4BitsAreNotCorrectedByWhatInt8WouldShift) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,4,32] x) => (float y) <float[1] w1 = {0}, float[1] w2 = {0}, float[1] b = {0}> {
      [first] a = MatMul (x, w1)  c = Add (a, b)  t = Tanh (c)  [second] d = MatMul (t, w2)  y = Add (d, b) })").value();
  SetRandomWeight(model, "w1", {32, 32}, 0.1f, 1);
  SetRandomWeight(model, "w2", {32, 32}, 0.1f, 2);
  SetRandomWeight(model, "b", {32}, 0.1f, 3);
  Bench bench(Prepared(std::move(model)), {8, 4, 32});
  EXPECT_TRUE(bench.quantizer.Facts(Config(true, OpMode::kWeightOnlyInt4)).value().bias_corrections.empty());
  QuantConfig mixed = Config(true);
  mixed.SetMode("second", OpMode::kWeightOnlyInt4);
  auto corrections = bench.quantizer.Facts(mixed).value().bias_corrections;
  EXPECT_TRUE(corrections.contains("first"));
  EXPECT_FALSE(corrections.contains("second"));
}

TEST(BiasCorrectionsTest, FactsAreEnoughToRepeatIt) {
  Bench bench(Layers("[product] a = MatMul (x, w)  y = Add (a, b)", {16, 16}), {8, 4, 16});
  Quantizer replay = Quantizer::Create(bench.model.Clone()).value();
  replay.UseFacts(Config(true), bench.quantizer.Facts(Config(true)).value());
  EXPECT_EQ(replay.Quantize(Config(true)).value().model.proto().SerializeAsString(),
            bench.quantizer.Quantize(Config(true)).value().model.proto().SerializeAsString());
}

}  // namespace
}  // namespace ns
