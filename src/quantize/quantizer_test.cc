#include "quantize/quantizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/array_data_set.h"
#include "graph/graph_index.h"
#include "quantize/qdq_inserter.h"
#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"
#include "runtime/session.h"

namespace ns {
namespace {

std::string AllWeightBytes(const Model& model) {
  std::string all;
  for (const std::string& name : model.WeightNames()) {
    Tensor tensor = model.Weight(name).value();
    all.append(name).append(static_cast<const char*>(tensor.data()), tensor.byte_size());
  }
  return all;
}

// 8 bits give about 6.02 dB each: 48 dB for one tensor that uses its range well, less for bell-shaped ones and after several layers.
TEST(QuantizerTest, AStaticCnnAgreesWithFloat) { EXPECT_GT(Bench(SmallCnn(), {16, 3, 8, 8}).Sqnr({}), 30.0); }

TEST(QuantizerTest, AStaticMlpAgreesWithFloat) { EXPECT_GT(Bench(SmallMlp(), {16, 4, 8}).Sqnr({}), 30.0); }

TEST(QuantizerTest, ADynamicMlpAgreesWithFloat) {
  QuantConfig config;
  config.defaults.mode = OpMode::kDynamic;
  EXPECT_GT(Bench(SmallMlp(), {16, 4, 8}).Sqnr(config), 30.0);
}

TEST(QuantizerTest, DynamicGemmWithTransposedWeightAndBiasAgrees) {
  QuantConfig config;
  config.defaults.mode = OpMode::kDynamic;
  Bench bench(SmallCnn(), {8, 3, 8, 8});
  EXPECT_GT(bench.Sqnr(config), 30.0);
}

TEST(QuantizerTest, EveryCalibrationMethodGivesAUsableModel) {
  for (auto method : {CalibrationMethod::kMinMax, CalibrationMethod::kMovingAverage, CalibrationMethod::kEntropy,
                      CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
    QuantConfig config;
    config.defaults.calibration = method;
    EXPECT_GT(Bench(SmallCnn(), {16, 3, 8, 8}, {method}).Sqnr(config), 20.0) << CalibrationMethodName(method);
  }
}

TEST(QuantizerTest, PerTensorAndReducedRangeLoseLittle) {
  Bench bench(SmallCnn(), {16, 3, 8, 8});
  QuantConfig per_tensor, reduced;
  per_tensor.defaults.per_channel = false;
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
    options.methods = {CalibrationMethod::kEntropy};
    options.threads = threads;
    ASSERT_TRUE(quantizer.Calibrate(*data, AllRows(*data), options, progress, {}).ok());
    QuantConfig config;
    config.defaults.calibration = CalibrationMethod::kEntropy;
    Model quantized = quantizer.Quantize(config).value().model;
    saved.push_back(AllWeightBytes(quantized));
  }
  EXPECT_EQ(saved[0], saved[1]);
  EXPECT_EQ(saved[0], saved[2]);
}

// Whatever layout the values are read in: smallest and largest over all rows of what an ordinary session shows.
TEST(QuantizerTest, RangesAreThoseOfTheFloatValuesToTheLastBit) {
  Model model = SmallCnn();
  auto data = RandomRows(model, {9, 3, 8, 8});
  NullProgress progress;
  for (int threads : {1, 2, 3}) {
    Quantizer quantizer = Quantizer::Create(model.Clone()).value();
    CalibrationOptions options;
    options.threads = threads;
    ASSERT_TRUE(quantizer.Calibrate(*data, AllRows(*data), options, progress, {}).ok());
    auto ranges = quantizer.Facts({}).value().ranges;
    Model shown = model.Clone();
    for (const auto& [id, range] : ranges) {
      if (id.value != "image") AddFloatOutput(shown, id.value);
    }
    Session session = Session::FromModel(shown).value();
    std::map<std::string, Range> expected;
    for (int64_t row : AllRows(*data)) {
      Batch batch = data->Read(std::vector<int64_t>{row}).value();
      auto outputs = session.Run(batch.inputs).value();
      for (size_t i = 0; i < outputs.size(); ++i) {
        auto [low, high] = std::ranges::minmax(outputs[i].values<float>());
        auto [range, added] = expected.try_emplace(session.outputs()[i].name, Range{low, high});
        range->second = {std::min(range->second.min, low), std::max(range->second.max, high)};
      }
    }
    EXPECT_GE(ranges.size(), 5u);
    for (const auto& [id, range] : ranges) {
      if (id.value == "image") continue;
      EXPECT_EQ(range, expected.at(id.value)) << id.value << " with " << threads << " threads";
    }
  }
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
  auto ranges = bench.quantizer.Facts({}).value().ranges;
  EXPECT_TRUE(ranges.contains({"r0"}));
  Quantizer replay = Quantizer::Create(SmallCnn()).value();
  replay.UseFacts({}, {ranges, {}, {}});
  EXPECT_EQ(AllWeightBytes(replay.Quantize({}).value().model), AllWeightBytes(bench.quantizer.Quantize({}).value().model));
  ranges.erase({"r0"});
  replay.UseFacts({}, {ranges, {}, {}});
  Status status = replay.Quantize({}).status();
  EXPECT_EQ(status.reason(), "NOT_CALIBRATED");
  EXPECT_NE(status.message().find("'r0'"), std::string::npos);
}

TEST(QuantizerTest, GivenFactsHoldForTheirOwnConfigurationOnly) {
  Bench bench(SmallCnn(), {8, 3, 8, 8}, {CalibrationMethod::kPercentile});
  QuantConfig percentile, dynamic, smooth;
  percentile.defaults.calibration = CalibrationMethod::kPercentile;
  percentile.percentile = 90;
  dynamic.defaults.mode = smooth.defaults.mode = OpMode::kDynamic;
  smooth.smooth_quant.emplace();
  QuantFacts expected = bench.quantizer.Facts(percentile).value();
  bench.quantizer.UseFacts({}, bench.quantizer.Facts({}).value());
  EXPECT_EQ(bench.quantizer.Facts(percentile).value(), expected);
  Quantizer replay = Quantizer::Create(SmallCnn()).value();
  replay.UseFacts(dynamic, {});
  EXPECT_TRUE(replay.Quantize(dynamic).ok());
  EXPECT_EQ(replay.Quantize(smooth).status().reason(), "NOT_CALIBRATED") << "no factors are known, which is not that there are none";
}

// x is read by two products whose ranges are found differently; "up" as in a configuration where both are alike.
TEST(QuantizerTest, ReadersThatWantDifferentRangesHaveTheirOwn) {
  Model model = SmallEncoder("N");
  Bench bench(Prepared(std::move(model)), {16, 4, 8}, {CalibrationMethod::kPercentile});
  QuantConfig config;
  config.percentile = 90;
  config.Edit("key").calibration = CalibrationMethod::kPercentile;
  auto ranges = bench.quantizer.Facts(config).value().ranges;
  Range all = ranges.at({"x", CalibrationMethod::kMinMax}), most = ranges.at({"x", CalibrationMethod::kPercentile});
  EXPECT_GT(all.max, most.max);
  Model quantized = bench.quantizer.Quantize(config).value().model;
  GraphIndex index(quantized);
  std::map<std::string, std::string> integers;  // by product: what it reads
  for (const auto& node : quantized.graph().node()) {
    if (node.op_type() == "MatMul") integers[node.name()] = index.ProducerNode(node.input(0))->input(0);
  }
  EXPECT_EQ(integers.at("query"), integers.at("value"));
  EXPECT_NE(integers.at("query"), integers.at("key"));
  auto scale = [&](const std::string& product) {
    return quantized.Weight(index.ProducerNode(integers.at(product))->input(1)).value().values<float>()[0];
  };
  EXPECT_FLOAT_EQ(scale("query"), (all.max - all.min) / 255);
  EXPECT_FLOAT_EQ(scale("key"), (most.max - most.min) / 255);
}

TEST(QuantizerTest, GranularityIsTheOperatorsOwn) {
  Bench bench(SmallMlp(), {16, 4, 8});
  QuantConfig config;
  config.Edit("up").per_channel = false;
  Model quantized = bench.quantizer.Quantize(config).value().model;
  EXPECT_EQ(quantized.Weight("w1_scale").value().shape(), Shape{});
  EXPECT_EQ(quantized.Weight("w2_scale").value().shape(), Shape{8});
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
  config.defaults.mode = OpMode::kDynamic;
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

// 2-D rows, so that the bias of the Add is written in int32: a column of tiny weights beside an ordinary bias, and one of zeros.
TEST(QuantizerTest, AnAddedBiasTooLargeForItsScaleWidensItToo) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,8] x) => (float[N,4] y) <float[1] w = {0}, float[4] b = {1, -2, 3, 4}> { [product] a = MatMul (x, w)  y = Add (a, b) })").value();
  Tensor weight(DType::kFloat, {8, 4});
  for (size_t i = 0; i < 32; ++i) {
    weight.mutable_values<float>()[i] = static_cast<float>(std::sin(static_cast<double>(i))) * (i % 4 == 0 ? 1e-12f : i % 4 == 1 ? 0.0f : 0.3f);
  }
  model.SetWeight("w", weight);
  EXPECT_GT(Bench(Prepared(std::move(model)), {16, 8}).Sqnr({}), 40.0);
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
  config.defaults.per_channel = false;
  NullProgress progress;
  for (OpMode mode : {OpMode::kStatic, OpMode::kDynamic}) {
    config.defaults.mode = mode;
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

TEST(QuantizerTest, TakesAReluBehindARelu) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,3,8,8] x) => (float[N,4,M,L] y) <float[1] w = {0}>
    { [stem] a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w)  b = Relu (a)  y = Relu (b) })").value();
  SetRandomWeight(model, "w", {4, 3, 3, 3}, 0.3f, 1);
  Bench bench(Prepared(std::move(model)), {8, 3, 8, 8});
  EXPECT_GT(bench.Sqnr({}), 25);
}

}  // namespace
}  // namespace ns
