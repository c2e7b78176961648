#include "quantize/quantizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "data/array_data_set.h"
#include "quantize/testing/models.h"
#include "runtime/optimized_graph.h"
#include "runtime/session.h"

namespace ns {
namespace {

std::unique_ptr<DataSet> RandomRows(const Model& model, Shape shape, unsigned seed = 5) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  Tensor tensor(DType::kFloat, std::move(shape));
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  auto inputs = model.inputs();
  return ArrayDataSet::Create({{inputs[0].name, tensor}}, inputs, {}).value();
}

std::vector<int64_t> AllRows(const DataSet& data) {
  std::vector<int64_t> rows(static_cast<size_t>(data.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<float> RunModel(const Model& model, const DataSet& data) {
  Session session = Session::FromModel(model).value();
  std::vector<float> all;
  for (int64_t row : AllRows(data)) {
    Batch batch = data.Read(std::vector<int64_t>{row}).value();
    auto outputs = session.Run(batch.inputs);
    if (!outputs.ok()) {
      ADD_FAILURE() << outputs.status().ToString();
      return all;
    }
    auto values = (*outputs)[0].values<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

double SqnrDb(const std::vector<float>& exact, const std::vector<float>& other) {
  double signal = 0, noise = 0;
  EXPECT_EQ(exact.size(), other.size());
  for (size_t i = 0; i < std::min(exact.size(), other.size()); ++i) {
    signal += static_cast<double>(exact[i]) * exact[i];
    noise += (static_cast<double>(exact[i]) - other[i]) * (static_cast<double>(exact[i]) - other[i]);
  }
  return 10 * std::log10(signal / noise);
}

std::string AllWeightBytes(const Model& model) {
  std::string all;
  for (const std::string& name : model.WeightNames()) {
    Tensor tensor = model.Weight(name).value();
    all.append(name).append(static_cast<const char*>(tensor.data()), tensor.byte_size());
  }
  return all;
}

// A model, its data, and a quantizer calibrated on them.
struct Bench {
  explicit Bench(Model original, Shape rows, CalibrationMethod method = CalibrationMethod::kMinMax)
      : model(std::move(original)), data(RandomRows(model, std::move(rows))), quantizer(Quantizer::Create(model.Clone()).value()) {
    CalibrationOptions options;
    options.method = method;
    options.threads = 2;
    options.attention = true;
    NullProgress progress;
    Status status = quantizer.Calibrate(*data, AllRows(*data), options, progress, {});
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  double Sqnr(const QuantConfig& config) {
    auto quantized = quantizer.Quantize(config);
    EXPECT_TRUE(quantized.ok()) << quantized.status().ToString();
    if (!quantized.ok()) return 0;
    return SqnrDb(RunModel(model, *data), RunModel(quantized->model, *data));
  }
  Model model;
  std::unique_ptr<DataSet> data;
  Quantizer quantizer;
};

// 8 bits give about 6.02 dB each: 48 dB for one tensor that uses its range well, less for bell-shaped ones and after several layers.
TEST(QuantizerTest, AStaticCnnAgreesWithFloat) { EXPECT_GT(Bench(SmallCnn(), {16, 3, 8, 8}).Sqnr({}), 30.0); }

TEST(QuantizerTest, AStaticMlpAgreesWithFloat) { EXPECT_GT(Bench(SmallMlp(), {16, 4, 8}).Sqnr({}), 30.0); }

TEST(QuantizerTest, ADynamicMlpAgreesWithFloat) {
  QuantConfig config;
  config.default_mode = OpMode::kDynamic;
  EXPECT_GT(Bench(SmallMlp(), {16, 4, 8}).Sqnr(config), 30.0);
}

TEST(QuantizerTest, DynamicGemmWithTransposedWeightAndBiasAgrees) {
  QuantConfig config;
  config.default_mode = OpMode::kDynamic;
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  EXPECT_GT(bench.Sqnr(config), 30.0);
}

TEST(QuantizerTest, EveryCalibrationMethodGivesAUsableModel) {
  for (auto method : {CalibrationMethod::kMinMax, CalibrationMethod::kMovingAverage, CalibrationMethod::kEntropy,
                      CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
    QuantConfig config;
    config.calibration = method;
    EXPECT_GT(Bench(SmallCnn(), {16, 3, 8, 8}, method).Sqnr(config), 20.0) << CalibrationMethodName(method);
  }
}

TEST(QuantizerTest, PerTensorAndReducedRangeLoseLittle) {
  Bench bench(SmallCnn(), {16, 3, 8, 8});
  QuantConfig per_tensor, reduced;
  per_tensor.per_channel = false;
  reduced.reduce_range = true;
  EXPECT_GT(bench.Sqnr(per_tensor), 25.0);
  EXPECT_GT(bench.Sqnr(reduced), 25.0);
}

TEST(QuantizerTest, AttentionProductsQuantizeWhenAskedFor) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    attention (float[N,4,8] x) => (float[N,4,8] y) <float[1] wq = {0}, float[1] wk = {0}>
    {
      [q] q = MatMul (x, wq)
      [k] k = MatMul (x, wk)
      [kt] kt = Transpose <perm = [0, 2, 1]> (k)
      [scores] s = MatMul (q, kt)
      [softmax] p = Softmax <axis = -1> (s)
      [context] y = MatMul (p, x)
    })").value();
  SetRandomWeight(model, "wq", {8, 8}, 0.3f, 1);
  SetRandomWeight(model, "wk", {8, 8}, 0.3f, 2);
  Bench bench(std::move(model), {8, 4, 8});
  QuantConfig config;
  config.quantize_attention = true;
  EXPECT_GT(bench.Sqnr(config), 25.0);
}

TEST(QuantizerTest, AnInt8TableIsLookedUp) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (int64[N] ids) => (float[N,4] y) <float[1] table = {0}, float[1] w = {0}>
    {
      [lookup] rows = Gather (table, ids)
      [project] y = MatMul (rows, w)
    })").value();
  SetRandomWeight(model, "table", {2048, 16}, 1.0f, 1);
  SetRandomWeight(model, "w", {16, 4}, 1.0f, 2);
  Tensor ids(DType::kInt64, {32});
  for (size_t i = 0; i < 32; ++i) ids.mutable_values<int64_t>()[i] = static_cast<int64_t>(i * 61);
  auto data = ArrayDataSet::Create({{"ids", ids}}, model.inputs(), {}).value();
  Quantizer quantizer = Quantizer::Create(model.Clone()).value();
  NullProgress progress;
  ASSERT_TRUE(quantizer.Calibrate(*data, AllRows(*data), {}, progress, {}).ok());
  QuantizedModel quantized = quantizer.Quantize({}).value();
  EXPECT_LT(quantized.model.WeightBytes(), model.WeightBytes() / 3);
  EXPECT_GT(SqnrDb(RunModel(model, *data), RunModel(quantized.model, *data)), 30.0);
}

// What ONNX Runtime really runs: every Conv, Add, pool and the Gemm of the CNN as integer kernels, one Q at the way in and nothing left of
// Relu or DQ.
TEST(QuantizerTest, OnnxRuntimeFusesTheWholeCnn) {
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

TEST(QuantizerTest, OnnxRuntimeFusesStaticAndDynamicMatMul) {
  Bench bench(SmallMlp(), {8, 4, 8});
  SessionOptions options;
  options.optimization = GraphOptimization::kExtended;
  OperatorCounts fixed = OptimizedOperators(bench.quantizer.Quantize({}).value().model, options).value();
  EXPECT_EQ(fixed["com.microsoft.MatMulIntegerToFloat"], 2);
  EXPECT_EQ(fixed["MatMul"], 0);
  QuantConfig config;
  config.default_mode = OpMode::kDynamic;
  OperatorCounts dynamic = OptimizedOperators(bench.quantizer.Quantize(config).value().model, options).value();
  EXPECT_EQ(dynamic["com.microsoft.DynamicQuantizeMatMul"], 2);
  EXPECT_EQ(dynamic["MatMulInteger"], 0);
}

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
                    std::pair{"Resize <mode = \"linear\"> (a, , scales)", "Resize"},
                    std::pair{"Gather <axis = 1> (a, picks)", "Gather"}, std::pair{"Concat <axis = 1> (a, a)", "com.microsoft.QLinearConcat"},
                    std::pair{"Add (a, a)", "com.microsoft.QLinearAdd"}, std::pair{"Mul (a, a)", "com.microsoft.QLinearMul"},
                    std::pair{"Sigmoid (a)", "com.microsoft.QLinearSigmoid"},
                    std::pair{"LeakyRelu <alpha = 0.1> (a)", "com.microsoft.QLinearLeakyRelu"},
                    std::pair{"AveragePool <kernel_shape = [2,2]> (a)", "com.microsoft.QLinearAveragePool"},
                    std::pair{"GlobalAveragePool (a)", "com.microsoft.QLinearGlobalAveragePool"}, std::pair{"Relu (a)", ""},
                    std::pair{"Clip (a, none, six)", ""}, std::pair{"[r] c = Relu (a) [c] b = Clip (c, none, six)", ""}));

// One table read by a lookup (scales by column) and by a MatMul with transposed weight (scales by row): square, so that a mix-up would run.
TEST(QuantizerTest, AWeightWithTwoReadersHasTheScalesOfEach) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,32] x) => (float[N,32] y) <float[1] w = {0}>
    {
      [straight] a = MatMul (x, w)
      [transposed] y = Gemm <transB = 1> (a, w)
    })").value();
  Tensor weight(DType::kFloat, {32, 32});
  for (size_t i = 0; i < 32 * 32; ++i) {
    weight.mutable_values<float>()[i] = static_cast<float>(std::sin(static_cast<double>(i))) * (i % 32 < 4 ? 100.0f : 1.0f);
  }
  model.SetWeight("w", weight);
  EXPECT_GT(Bench(std::move(model), {16, 32}).Sqnr({}), 30.0);
}

TEST(QuantizerTest, CalibrationDoesNotDependOnTheNumberOfThreads) {
  Model model = SmallCnn();
  auto data = RandomRows(model, {33, 3, 8, 8});
  NullProgress progress;
  std::vector<std::string> saved;
  for (int threads : {1, 2, 3}) {
    Quantizer quantizer = Quantizer::Create(model.Clone()).value();
    CalibrationOptions options;
    options.method = CalibrationMethod::kEntropy;
    options.threads = threads;
    ASSERT_TRUE(quantizer.Calibrate(*data, AllRows(*data), options, progress, {}).ok());
    QuantConfig config;
    config.calibration = CalibrationMethod::kEntropy;
    Model quantized = quantizer.Quantize(config).value().model;
    saved.push_back(AllWeightBytes(quantized));
  }
  EXPECT_EQ(saved[0], saved[1]);
  EXPECT_EQ(saved[0], saved[2]);
}

TEST(QuantizerTest, NanInACalibrationRowIsNamed) {
  Model model = SmallMlp();
  SetRandomWeight(model, "b1", {16}, 3e38f, 1);  // the sum of two such values overflows
  SetRandomWeight(model, "w1", {8, 16}, 3e38f, 1);
  auto data = RandomRows(model, {4, 4, 8});
  Quantizer quantizer = Quantizer::Create(std::move(model)).value();
  NullProgress progress;
  Status status = quantizer.Calibrate(*data, AllRows(*data), {}, progress, {});
  // Tanh of infinities is 1, of NaN (infinity - infinity) NaN.
  EXPECT_EQ(status.reason(), "NON_FINITE_VALUE") << status.ToString();
  EXPECT_NE(status.message().find("'tanh'"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("row"), std::string::npos) << status.message();
}

// What a recipe rests on.
TEST(QuantizerTest, GivenRangesMakeTheSameModelWithoutCalibration) {
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  auto ranges = bench.quantizer.Ranges({}).value();
  EXPECT_TRUE(ranges.contains("r0"));
  Quantizer replay = Quantizer::Create(SmallCnn()).value();
  replay.UseRanges(ranges);
  EXPECT_EQ(AllWeightBytes(replay.Quantize({}).value().model), AllWeightBytes(bench.quantizer.Quantize({}).value().model));
  ranges.erase("r0");
  replay.UseRanges(ranges);
  Status status = replay.Quantize({}).status();
  EXPECT_EQ(status.reason(), "NOT_CALIBRATED");
  EXPECT_NE(status.message().find("'r0'"), std::string::npos);
}

TEST(QuantizerTest, DecisionsNeedNoCalibration) {
  Quantizer quantizer = Quantizer::Create(SmallCnn()).value();
  auto decisions = quantizer.Decisions({});
  ASSERT_EQ(decisions.size(), 10u);
  EXPECT_EQ(decisions[0].name, "stem");
  EXPECT_EQ(decisions[0].mode, OpMode::kStatic);
  EXPECT_EQ(decisions[0].why, "int8 kernel, int8 output");
}

TEST(QuantizerTest, StaticWithoutCalibrationIsRefused) {
  Quantizer quantizer = Quantizer::Create(SmallMlp()).value();
  EXPECT_EQ(quantizer.Quantize({}).status().reason(), "NOT_CALIBRATED");
  QuantConfig config;
  config.default_mode = OpMode::kDynamic;
  EXPECT_TRUE(quantizer.Quantize(config).ok());
}

TEST(QuantizerTest, AModelWithoutWeightsHasNothingToQuantize) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y) { [r] y = Relu (x) })").value();
  EXPECT_EQ(Quantizer::Create(std::move(model)).status().reason(), "NOTHING_TO_QUANTIZE");
}

TEST(QuantizerTest, StopEndsCalibration) {
  Bench bench(SmallMlp(), {4, 4, 8});
  std::stop_source stop;
  stop.request_stop();
  NullProgress progress;
  EXPECT_EQ(bench.quantizer.Calibrate(*bench.data, AllRows(*bench.data), {}, progress, stop.get_token()).code(), StatusCode::kCancelled);
}

TEST(QuantizerTest, ABiasTooLargeForItsScaleWidensTheWeightScaleInsteadOfWrapping) {
  Model model = SmallCnn();
  SetRandomWeight(model, "w2", {16, 16, 1, 1}, 1e-9f, 4);  // tiny weights beside ordinary biases
  EXPECT_GT(Bench(std::move(model), {16, 3, 8, 8}).Sqnr({}), 30.0);
}

// One column of the second weight is 1000 times the others under per-tensor scales: that operator is the one that hurts.
TEST(RankOperatorsTest, TheOperatorThatHurtsComesFirst) {
  Model model = SmallMlp();
  Tensor weight = model.Weight("w2").value();
  Tensor skewed(DType::kFloat, weight.shape());
  for (size_t i = 0; i < weight.values<float>().size(); ++i) {
    skewed.mutable_values<float>()[i] = weight.values<float>()[i] * (i == 3 ? 1000.0f : 0.01f);
  }
  model.SetWeight("w2", skewed);
  Bench bench(std::move(model), {8, 4, 8});
  QuantConfig config;
  config.per_channel = false;
  NullProgress progress;
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    config.default_mode = mode;
    auto harms = bench.quantizer.RankOperators(config, *bench.data, AllRows(*bench.data), 2, progress, {}).value();
    ASSERT_EQ(harms.size(), 2u);
    EXPECT_GT(harms[1].sqnr_db, 25.0) << OpModeName(mode);
    EXPECT_LE(harms[0].sqnr_db, harms[1].sqnr_db);
  }
}

TEST(RankOperatorsTest, EveryIntegerOperatorOfACnnIsCompared) {
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  NullProgress progress;
  auto harms = bench.quantizer.RankOperators({}, *bench.data, AllRows(*bench.data), 1, progress, {}).value();
  ASSERT_EQ(harms.size(), 6u);  // three Conv, Add, pool, Gemm
  for (const auto& harm : harms) EXPECT_GT(harm.sqnr_db, 25.0) << harm.name;
}

}  // namespace
}  // namespace ns
