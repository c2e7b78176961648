#include "quantize/block_weight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"
#include "runtime/optimized_graph.h"

namespace ns {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;

BlockWeight Blocks(Shape shape, std::vector<float> values, BlockOptions options) {
  Tensor weight = Tensor::From<float>(std::move(shape), std::span<const float>(values));
  auto quantized = QuantizeBlocks(weight.view(), options);
  EXPECT_TRUE(quantized.ok()) << quantized.status().ToString();
  return std::move(*quantized);
}

// What the integers stand for, element by element as MatMulNBits is specified.
std::vector<float> FloatOf(const Tensor& values, const Tensor& scales, const Tensor* zero_points, int64_t inputs) {
  int64_t outputs = values.shape()[0], blocks = values.shape()[1], half = values.shape()[2];
  std::vector<float> weight;
  for (int64_t n = 0; n < outputs; ++n) {
    for (int64_t k = 0; k < inputs; ++k) {
      int64_t block = k / (2 * half), i = k % (2 * half);
      int pair = values.values<uint8_t>()[static_cast<size_t>((n * blocks + block) * half + i / 2)];
      int zeros = zero_points == nullptr ? 0x88 : zero_points->values<uint8_t>()[static_cast<size_t>(n * ((blocks + 1) / 2) + block / 2)];
      int q = i % 2 == 0 ? pair & 15 : pair >> 4, z = block % 2 == 0 ? zeros & 15 : zeros >> 4;
      weight.push_back(static_cast<float>(q - z) * scales.values<float>()[static_cast<size_t>(n * blocks + block)]);
    }
  }
  return weight;
}

std::vector<float> Normal(size_t count, float mean = 0) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(mean, 0.1f);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(BlockWeightTest, TwoElementsAByteTheFirstInTheLowHalf) {
  std::vector<float> values, negated;
  for (int i = 0; i < 16; ++i) values.push_back(0.5f * static_cast<float>(i - 8));
  BlockWeight exact = Blocks({1, 16}, values, {16, false});
  EXPECT_THAT(exact.values.values<uint8_t>(), ElementsAre(0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe));
  EXPECT_THAT(exact.scales.values<float>(), ElementsAre(0.5f));
  EXPECT_EQ(exact.zero_points.values<uint8_t>().size(), 0u);
  for (float value : values) negated.push_back(-value);
  BlockWeight turned = Blocks({1, 16}, negated, {16, false});
  EXPECT_THAT(turned.values.values<uint8_t>(), ElementsAre(0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe));
  EXPECT_THAT(turned.scales.values<float>(), ElementsAre(-0.5f));
}

// 1 and -1 are met at a seventh, not at an eighth with -8 for one and 7 for the other; the zeros behind them are 8.
TEST(BlockWeightTest, TheLastBlockIsFilledUpWithZeros) {
  std::vector<float> values(18, 0.0f);
  values[16] = 1;
  values[17] = -1;
  BlockWeight blocks = Blocks({1, 18}, values, {16, false});
  EXPECT_EQ(blocks.values.shape(), (Shape{1, 2, 8}));
  EXPECT_THAT(blocks.values.values<uint8_t>().subspan(0, 8), Each(0x88));
  EXPECT_THAT(blocks.values.values<uint8_t>().subspan(8), ElementsAre(0xf1, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88, 0x88));
  EXPECT_THAT(blocks.scales.values<float>(), ElementsAre(0.0f, FloatNear(-1.0f / 7, 1e-7f)));
}

TEST(BlockWeightTest, ZeroPointsMoveTheGridToWhereTheValuesAre) {
  std::vector<float> values;
  for (int i = 0; i < 16; ++i) values.push_back(0.25f * static_cast<float>(i - 3));
  BlockWeight blocks = Blocks({1, 16}, values, {16, true});
  EXPECT_THAT(blocks.values.values<uint8_t>(), ElementsAre(0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe));
  EXPECT_THAT(blocks.scales.values<float>(), ElementsAre(0.25f));
  EXPECT_EQ(blocks.zero_points.values<uint8_t>()[0] & 15, 3);
}

// What a plain scale of the largest value over 8 leaves is 1 dB more.
TEST(BlockWeightTest, SearchedScalesLeaveLittleOfNormallyDistributedWeights) {
  std::vector<float> values = Normal(64 * 256), aside = Normal(64 * 256, 0.3f);
  auto sqnr = [](const std::vector<float>& weight, BlockOptions options) {
    BlockWeight blocks = Blocks({64, 256}, weight, options);
    return SqnrDb(weight, FloatOf(blocks.values, blocks.scales, options.zero_points ? &blocks.zero_points : nullptr, 256));
  };
  EXPECT_GT(sqnr(values, {32, false}), 20.5);
  EXPECT_GT(sqnr(values, {128, false}), 18.5);
  EXPECT_GT(sqnr(values, {32, true}), 20.5);
  EXPECT_GT(sqnr(aside, {32, true}), sqnr(aside, {32, false}) + 3);
}

TEST(BlockWeightTest, NamesWeightsThatAreNoNumbers) {
  std::vector<float> values(32, 0.0f);
  values[31] = std::numeric_limits<float>::infinity();
  Tensor weight = Tensor::From<float>({1, 32}, std::span<const float>(values));
  EXPECT_EQ(QuantizeBlocks(weight.view(), {}).status().reason(), "NON_FINITE_WEIGHT");
}

// MatMul of three axes behind a Gemm of each orientation, with 72 inputs: blocks that are not filled.
Model Products() {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,72] x) => (float[N,8,9] y)
    <float[1] w1 = {0}, float[1] b1 = {0}, float[1] w2 = {0}, float[1] b2 = {0}, float[1] w3 = {0}, int64[3] s = {-1, 1, 72}, int64[3] t = {-1, 8, 9}>
    { [straight] a = Gemm (x, w1, b1)  c = Tanh (a)  [turned] d = Gemm <transB = 1> (c, w2, b2)  e = Tanh (d)
      f = Reshape (e, s)  [product] h = MatMul (f, w3)  y = Reshape (h, t) })").value();
  SetRandomWeight(model, "w1", {72, 72}, 0.2f, 1);
  SetRandomWeight(model, "b1", {72}, 0.1f, 2);
  SetRandomWeight(model, "w2", {72, 72}, 0.2f, 3);
  SetRandomWeight(model, "b2", {72}, 0.1f, 4);
  SetRandomWeight(model, "w3", {72, 72}, 0.2f, 5);
  return Prepared(std::move(model));
}

class BlockModelTest : public ::testing::TestWithParam<std::pair<int, bool>> {};

// ONNX Runtime computes what the stored integers say: the quantized model is next to a float model with those weights, whose own distance
// from the original is that of 4 bits.
TEST_P(BlockModelTest, OnnxRuntimeComputesWhatTheIntegersStandFor) {
  Bench bench(Products(), {16, 72});
  QuantConfig config;
  config.defaults.mode = OpMode::kWeightOnlyInt4;
  config.defaults.block = GetParam().first;
  config.defaults.zero_points = GetParam().second;
  QuantizedModel quantized = bench.quantizer.Quantize(config).value();
  EXPECT_TRUE(quantized.model.Verify().ok()) << quantized.model.Verify().ToString();
  Model unpacked = bench.model.Clone();
  int products = 0;
  for (const auto& node : quantized.model.graph().node()) {
    if (node.op_type() != "MatMulNBits") continue;
    ++products;
    Tensor values = quantized.model.Weight(node.input(1)).value(), scales = quantized.model.Weight(node.input(2)).value();
    Tensor zeros;
    if (GetParam().second) zeros = quantized.model.Weight(node.input(3)).value();
    std::vector<float> weight = FloatOf(values, scales, GetParam().second ? &zeros : nullptr, 72);
    for (const auto& original : unpacked.graph().node()) {
      if (original.name() != node.name().substr(0, original.name().size()) || !unpacked.HasWeight(original.input(1)) || original.op_type() == "Add")
        continue;
      bool turned = original.name() == "turned" && original.attribute_size() > 0;
      std::vector<float> straight(weight.size());
      for (size_t n = 0; n < 72; ++n)
        for (size_t k = 0; k < 72; ++k) straight[k * 72 + n] = weight[n * 72 + k];
      unpacked.SetWeight(original.input(1), Tensor::From<float>({72, 72}, std::span<const float>(turned ? weight : straight)));
    }
  }
  EXPECT_EQ(products, 3);
  std::vector<float> exact = RunModel(bench.model, *bench.data), of_weights = RunModel(unpacked, *bench.data);
  std::vector<float> computed = RunModel(quantized.model, *bench.data);
  EXPECT_GT(SqnrDb(of_weights, computed), 35.0);
  EXPECT_GT(SqnrDb(exact, computed), 12.0);
  EXPECT_LT(quantized.model.WeightBytes(), bench.model.WeightBytes() / 4);
  OperatorCounts counts = OptimizedOperators(quantized.model, {}).value();
  EXPECT_EQ(counts["com.microsoft.MatMulNBits"], 3);
  for (const char* gone : {"Gemm", "com.microsoft.FusedGemm", "MatMul", "DequantizeLinear"}) EXPECT_EQ(counts[gone], 0) << gone;
}

INSTANTIATE_TEST_SUITE_P(All, BlockModelTest,
                         ::testing::Values(std::pair(32, false), std::pair(128, false), std::pair(32, true), std::pair(16, true)));

TEST(BlockModelTest, OperatorsAreRankedByTheirOwnError) {
  Bench bench(Products(), {16, 72});
  QuantConfig config;
  config.defaults.mode = OpMode::kWeightOnlyInt4;
  config.SetMode("straight", OpMode::kFloat);
  NullProgress progress;
  auto harms = bench.quantizer.RankOperators(config, *bench.data, AllRows(*bench.data), 1, progress, {}).value();
  ASSERT_EQ(harms.size(), 2u);
  for (const OperatorHarm& harm : harms) {
    EXPECT_GT(harm.sqnr_db, 15.0) << harm.name;
    EXPECT_LT(harm.sqnr_db, 35.0) << harm.name;
  }
}

}  // namespace
}  // namespace ns
