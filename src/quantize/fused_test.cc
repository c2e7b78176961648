// What ONNX Runtime makes of the quantized models: which operators of the graph that it really runs compute on integers.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"
#include "runtime/optimized_graph.h"

namespace ns {
namespace {

// What ONNX Runtime really runs: every Conv, Add, pool and the Gemm of the CNN as integer kernels, one Q at the way in and nothing left of
// Relu or DQ.
TEST(FusedTest, OnnxRuntimeFusesTheWholeCnn) {
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  QuantizedModel quantized = bench.quantizer.Quantize({}).value();
  SessionOptions options;
  options.optimization = GraphOptimization::kExtended;
  OperatorCounts counts = OptimizedOperators(quantized.model, options).value();
  EXPECT_EQ(counts["QLinearConv"], 3);
  EXPECT_EQ(counts["com.microsoft.QLinearAdd"], 1);
  EXPECT_EQ(counts["com.microsoft.QLinearGlobalAveragePool"], 1);
  EXPECT_EQ(counts["com.microsoft.QGemm"], 1);
  EXPECT_EQ(counts["QuantizeLinear"], 1);
  for (const char* gone : {"Conv", "Relu", "Add", "GlobalAveragePool", "Gemm", "DequantizeLinear"}) EXPECT_EQ(counts[gone], 0) << gone;
}

TEST(FusedTest, OnnxRuntimeFusesStaticAndDynamicMatMul) {
  Bench bench(SmallMlp(), {8, 4, 8});
  SessionOptions options;
  options.optimization = GraphOptimization::kExtended;
  OperatorCounts fixed = OptimizedOperators(bench.quantizer.Quantize({}).value().model, options).value();
  EXPECT_EQ(fixed["com.microsoft.MatMulIntegerToFloat"], 2);
  EXPECT_EQ(fixed["MatMul"], 0);
  QuantConfig config;
  config.defaults.mode = OpMode::kDynamic;
  OperatorCounts dynamic = OptimizedOperators(bench.quantizer.Quantize(config).value().model, options).value();
  EXPECT_EQ(dynamic["com.microsoft.DynamicQuantizeMatMul"], 2);
  EXPECT_EQ(dynamic["MatMulInteger"], 0);
}

// The int8 weight goes into the kernel, nothing is unpacked in a run, and the other modes' parts stay away.
TEST(FusedTest, OnnxRuntimeReadsWeightsKeptInInt8) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,4,64] x) => (float[N,4,64] y) <float[1] w1 = {0}, float[1] b1 = {0}, float[1] w2 = {0}>
    { [first] a = MatMul (x, w1)  b = Add (a, b1)  c = Tanh (b)  [second] y = MatMul (c, w2) })").value();
  SetRandomWeight(model, "w1", {64, 64}, 0.2f, 1);
  SetRandomWeight(model, "b1", {64}, 0.1f, 2);
  SetRandomWeight(model, "w2", {64, 64}, 0.2f, 3);
  Bench bench(Prepared(std::move(model)), {16, 4, 64});
  QuantConfig config;
  config.defaults.mode = OpMode::kWeightOnly;
  EXPECT_GT(bench.Sqnr(config), 30.0);
  QuantizedModel quantized = bench.quantizer.Quantize(config).value();
  EXPECT_LT(quantized.model.WeightBytes(), bench.model.WeightBytes() / 3);
  OperatorCounts counts = OptimizedOperators(quantized.model, {}).value();
  EXPECT_EQ(counts["com.microsoft.MatMulNBits"], 2);
  for (const char* gone : {"MatMul", "DequantizeLinear", "QuantizeLinear"}) EXPECT_EQ(counts[gone], 0) << gone;
  NullProgress progress;
  auto harms = bench.quantizer.RankOperators(config, *bench.data, AllRows(*bench.data), 1, progress, {}).value();
  ASSERT_EQ(harms.size(), 2u);
  EXPECT_GT(harms[0].sqnr_db, 30.0);
}

// Whatever is known of the batch: each of the six linear layers and two Gemm on integers, no weight unpacked in a run.
TEST(FusedTest, OnnxRuntimeFusesAnEncoderWithItsBiases) {
  for (const char* batch : {"N", "1"}) {
    SCOPED_TRACE(batch);
    Bench bench(Prepared(SmallEncoder(batch)), {16, 4, 8});
    EXPECT_GT(bench.Sqnr({}), 25.0);
    OperatorCounts counts = OptimizedOperators(bench.quantizer.Quantize({}).value().model, {}).value();
    EXPECT_EQ(counts["com.microsoft.MatMulIntegerToFloat"], 6);
    EXPECT_EQ(counts["com.microsoft.QGemm"], 2);
    for (const char* gone : {"DequantizeLinear", "Gemm", "com.microsoft.FusedGemm"}) EXPECT_EQ(counts[gone], 0) << gone;
    EXPECT_EQ(counts["com.microsoft.SkipLayerNormalization"], 2) << "the residual Adds are in it";
    // The two products of two activations. Their scale goes into one of them.
    EXPECT_EQ(counts["MatMul"] + counts["com.microsoft.FusedMatMul"], 2);
    EXPECT_EQ(counts["QuantizeLinear"], 6) << "x once for three readers, attention's result, two of the feed-forward, two of the Gemm";
  }
}

// Two linear layers, `rows` as declared, with an activation between.
class LinearLayersTest : public testing::TestWithParam<std::tuple<const char*, const char*, const char*>> {};

TEST_P(LinearLayersTest, RunOnIntegers) {
  auto [rows, bias, activation] = GetParam();
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    mlp (float[{}] x) => (float y) <float[1] w1 = {{0}}, float[1] b1 = {{0}}, float[1] w2 = {{0}}, float[1] b2 = {{0}}>
    {{
      [first] a = MatMul (x, w1)  b = Add (a, b1)
      c = {} (b)
      [second] d = MatMul (c, w2)  y = Add (d, b2)
    }})", rows, activation)).value();
  Shape leading = std::string_view(bias) == "[N]" ? Shape{} : std::string_view(bias) == "[1,N]" ? Shape{1} : Shape{1, 1};
  auto with = [&](int64_t size) { Shape shape = leading; shape.push_back(size); return shape; };
  SetRandomWeight(model, "w1", {8, 16}, 0.4f, 1);
  SetRandomWeight(model, "b1", with(16), 0.1f, 2);
  SetRandomWeight(model, "w2", {16, 8}, 0.4f, 3);
  SetRandomWeight(model, "b2", with(8), 0.1f, 4);
  bool two_axes = std::count(rows, rows + std::string_view(rows).size(), ',') == 1;
  Bench bench(Prepared(std::move(model)), two_axes ? Shape{16, 8} : Shape{16, 4, 8});
  EXPECT_GT(bench.Sqnr({}), 30.0);
  OperatorCounts counts = OptimizedOperators(bench.quantizer.Quantize({}).value().model, {}).value();
  EXPECT_EQ(counts["com.microsoft.MatMulIntegerToFloat"] + counts["com.microsoft.QGemm"], 2);
  for (const char* gone : {"DequantizeLinear", "Gemm", "com.microsoft.FusedGemm", "MatMul"}) EXPECT_EQ(counts[gone], 0) << gone;
}

INSTANTIATE_TEST_SUITE_P(Shapes, LinearLayersTest,
                         testing::Combine(testing::Values("1,8", "N,8", "1,4,8", "N,4,8", "N,S,8"), testing::Values("[N]", "[1,N]"),
                                          testing::Values("Relu", "Tanh")));
INSTANTIATE_TEST_SUITE_P(ThreeAxes, LinearLayersTest,
                         testing::Combine(testing::Values("1,4,8", "N,S,8"), testing::Values("[1,1,N]"), testing::Values("Tanh")));

// Conv, an operator that moves elements or has an integer kernel, Conv: nothing between the Q at the way in and the DQ at the way out.
class BetweenConvolutionsTest : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BetweenConvolutionsTest, StaysInteger) {
  auto [node, kernel] = GetParam();
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[1,4,8,8] x) => (float[N,M,H,W] y)
    <float[1] w0 = {{0}}, float[1] w1 = {{0}}, int64[4] shape = {{1,4,16,4}}, int64[1] zero = {{0}}, int64[1] two = {{2}}, int64[1] axis = {{1}},
     float[4] scales = {{1,1,2,2}}, int64[4] repeats = {{1,1,2,1}}, int64[4] picks = {{3,1,0,2}}, float six = {{6}}, float none = {{0}}>
    {{
      [first] a = Conv (x, w0)
      {}
      [second] y = Conv (b, w1)
    }})", std::string(node).starts_with("[") ? node : "[between] b = " + std::string(node))).value();
  bool half = std::string(node).find("Slice") != std::string::npos, eight = std::string(node).find("Concat") != std::string::npos;
  SetRandomWeight(model, "w0", {std::string(node).find("DepthToSpace") != std::string::npos ? 16 : 4, 4, 1, 1}, 0.5f, 1);
  SetRandomWeight(model, "w1", {4, half ? 2 : eight ? 8 : 4, 1, 1}, 0.5f, 2);
  Bench bench(std::move(model), {1, 4, 8, 8});
  QuantizedModel quantized = bench.quantizer.Quantize({}).value();
  EXPECT_GT(bench.Sqnr({}), 25.0);
  SessionOptions options;
  options.optimization = GraphOptimization::kExtended;
  OperatorCounts counts = OptimizedOperators(quantized.model, options).value();
  EXPECT_EQ(counts["QLinearConv"], 2);
  EXPECT_EQ(counts["QuantizeLinear"], 1);
  EXPECT_EQ(counts["DequantizeLinear"], 1);
  if (std::string(kernel) != "") {
    EXPECT_EQ(counts[kernel], 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Operators, BetweenConvolutionsTest,
    testing::Values(std::pair{"MaxPool <kernel_shape = [2,2]> (a)", "MaxPool"}, std::pair{"Reshape (a, shape)", "Reshape"},
                    std::pair{"Transpose <perm = [0,1,3,2]> (a)", "Transpose"}, std::pair{"Slice (a, zero, two, axis)", "Slice"},
                    std::pair{"DepthToSpace <blocksize = 2> (a)", "DepthToSpace"}, std::pair{"Tile (a, repeats)", "Tile"},
                    std::pair{"Resize <mode = \"nearest\"> (a, , scales)", "Resize"},
                    std::pair{"Gather <axis = 1> (a, picks)", "Gather"}, std::pair{"Concat <axis = 1> (a, a)", "com.microsoft.QLinearConcat"},
                    std::pair{"Add (a, a)", "com.microsoft.QLinearAdd"}, std::pair{"Mul (a, a)", "com.microsoft.QLinearMul"},
                    std::pair{"Sigmoid (a)", "com.microsoft.QLinearSigmoid"},
                    std::pair{"LeakyRelu <alpha = 0.1> (a)", "com.microsoft.QLinearLeakyRelu"},
                    std::pair{"AveragePool <kernel_shape = [2,2]> (a)", "com.microsoft.QLinearAveragePool"},
                    std::pair{"GlobalAveragePool (a)", "com.microsoft.QLinearGlobalAveragePool"}, std::pair{"Relu (a)", ""},
                    std::pair{"Clip (a, none, six)", ""}, std::pair{"[r] c = Relu (a) [c] b = Clip (c, none, six)", ""}));

}  // namespace
}  // namespace ns
