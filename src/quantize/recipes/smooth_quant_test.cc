#include "quantize/recipes/smooth_quant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

constexpr int64_t kSize = 32;

QuantConfig Smooth(double alpha = 0.5, OpMode mode = OpMode::kStatic) {
  QuantConfig config;
  config.defaults.mode = mode;
  config.smooth_quant = SmoothQuantConfig{alpha, {}};
  return config;
}

QuantConfig Plain(OpMode mode = OpMode::kStatic) {
  QuantConfig config;
  config.defaults.mode = mode;
  return config;
}

// Every eighth value of `name` times `factor`.
void MakeOutliers(Model& model, const std::string& name, float factor) {
  Tensor weight = model.Weight(name).value(), changed(DType::kFloat, weight.shape());
  for (size_t i = 0; i < weight.values<float>().size(); ++i) {
    changed.mutable_values<float>()[i] = weight.values<float>()[i] * (i % 8 == 3 ? factor : 1.0f);
  }
  model.SetWeight(name, changed);
}

// `body` makes t from x [N,4,32] and the vectors gamma and beta, whose channels 3, 11, 19, 27 are 64 times the others; two products read it.
Model TwoReaders(const std::string& body, const std::string& more = "", const std::string& outputs = "float[N,4,32] y, float[N,4,32] z") {
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,4,32] x) => ({}) <float[1] gamma = {{0}}, float[1] beta = {{0}}, float[1] w0 = {{0}}, float[1] w1 = {{0}}, float[1] w2 = {{0}},
      float two = {{2}}, float epsilon = {{0.00001}}>
    {{ {} [one] y = MatMul (t, w1)  [other] z = MatMul (t, w2) {} }})", outputs, body, more)).value();
  SetRandomWeight(model, "gamma", {kSize}, 1.0f, 1);
  SetRandomWeight(model, "beta", {kSize}, 0.3f, 2);
  for (const char* name : {"w0", "w1", "w2"}) SetRandomWeight(model, name, {kSize, kSize}, 0.2f, static_cast<unsigned>(name[1]));
  MakeOutliers(model, "gamma", 64);
  MakeOutliers(model, "beta", 64);
  return Prepared(std::move(model));
}

const char kNorm[] = "[norm] t = LayerNormalization (x, gamma, beta)";

// Smoothed by magnitudes of 64 for the outliers and 1 for the others.
RewrittenModel Rewritten(Model model, const QuantConfig& config) {
  RewrittenModel rewritten{std::move(model), {}, {}};
  auto magnitudes = [](const std::string&) -> Result<std::vector<float>> {
    std::vector<float> values;
    for (int64_t j = 0; j < kSize; ++j) values.push_back(j % 8 == 3 ? 64.0f : 1.0f);
    return values;
  };
  auto used = SmoothActivations(config, magnitudes, nullptr, &rewritten);
  EXPECT_TRUE(used.ok()) << used.status().ToString();
  return rewritten;
}

// Float rounding alone: beyond 100 dB.
void ExpectSameNumbers(const Model& before, const Model& after) {
  ASSERT_TRUE(after.Verify().ok()) << after.Verify().ToString();
  auto data = RandomRows(before, {8, 4, kSize});
  EXPECT_GT(SqnrDb(RunModel(before, *data), RunModel(after, *data)), 100.0);
}

// By hand: X = 4, 9; columns of |W| at most 1, 4 in row 0 and 2, 1 in row 1: s = sqrt(4/4), sqrt(9/2).
TEST(SmoothQuantTest, FactorsFollowThePaper) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,2] y) <float[2] gamma = {1, 1}, float[2] beta = {0, 0}, float[2,2] w = {1, -4, 2, 1}>
    { t = LayerNormalization (x, gamma, beta)  [product] y = MatMul (t, w) })").value();
  RewrittenModel rewritten{std::move(model), {}, {}};
  auto magnitudes = [](const std::string&) -> Result<std::vector<float>> { return std::vector<float>{4, 9}; };
  auto used = SmoothActivations(Smooth(), magnitudes, nullptr, &rewritten).value();
  EXPECT_THAT(used.at("t"), ElementsAre(FloatNear(1, 1e-6f), FloatNear(std::sqrt(4.5f), 1e-6f)));
  EXPECT_THAT(rewritten.model.Weight("gamma_rescaled").value().values<float>()[1], FloatNear(1 / std::sqrt(4.5f), 1e-6f));
  EXPECT_THAT(rewritten.model.Weight("w_rescaled").value().values<float>()[2], FloatNear(2 * std::sqrt(4.5f), 1e-6f));
  EXPECT_THAT(rewritten.rescaled.at("t").factors[1], FloatNear(1 / std::sqrt(4.5f), 1e-6f));
}

struct FoldCase {
  const char* name;
  std::string body;
};
class SmoothQuantFoldTest : public testing::TestWithParam<FoldCase> {};

TEST_P(SmoothQuantFoldTest, FoldsWithoutANewNodeAndWins) {
  Model model = TwoReaders(GetParam().body);
  RewrittenModel rewritten = Rewritten(model.Clone(), Smooth());
  EXPECT_EQ(rewritten.model.graph().node_size(), model.graph().node_size());
  EXPECT_EQ(rewritten.rescaled.count("t"), 1u);
  EXPECT_THAT(rewritten.notes.at("one"), HasSubstr("folded"));
  ExpectSameNumbers(model, rewritten.model);
  Bench bench(std::move(model), {16, 4, kSize});
  EXPECT_GT(bench.Sqnr(Smooth()), bench.Sqnr(Plain()) + 3);
}

INSTANTIATE_TEST_SUITE_P(
    Makers, SmoothQuantFoldTest,
    testing::Values(FoldCase{"LayerNormalization", kNorm},
                    FoldCase{"LayerNormInParts",
                             "m = ReduceMean <axes = [-1]> (x)  d = Sub (x, m)  p = Pow (d, two)  v = ReduceMean <axes = [-1]> (p)  e = Add (v, epsilon) "
                             "r = Sqrt (e)  n = Div (d, r)  g = Mul (n, gamma)  [norm] t = Add (g, beta)"},
                    FoldCase{"LinearWithRelu", "[before] a = MatMul (x, w0)  b = Mul (a, gamma)  c = Add (b, beta)  t = Relu (c)"},
                    FoldCase{"RootMeanSquareNorm", "q = Mul (x, x)  t = Mul (gamma, q)"}),
    [](const auto& test) { return test.param.name; });

TEST(SmoothQuantTest, DividesTheColumnsOfTheLayerBefore) {
  Model model = TwoReaders("[before] a = MatMul (x, w0)  c = Add (beta, a)  t = Relu (c)");
  ExpectSameNumbers(model, Rewritten(model.Clone(), Smooth()).model);
  EXPECT_EQ(Rewritten(model.Clone(), Smooth()).model.graph().node_size(), model.graph().node_size());
  QuantConfig per_tensor = Smooth();
  per_tensor.Edit("before").per_channel = false;
  EXPECT_EQ(Rewritten(model.Clone(), per_tensor).rescaled.count("t"), 0u) << "uneven columns would cost one scale for all";
}

// A post-norm transformer: the residual Add reads the normalized value too.
TEST(SmoothQuantTest, InsertsAMultiplicationWhereSomethingElseReadsTheValue) {
  Model model = TwoReaders(kNorm, "r = Add (t, x)", "float[N,4,32] y, float[N,4,32] z, float[N,4,32] r");
  RewrittenModel rewritten = Rewritten(model.Clone(), Smooth());
  EXPECT_EQ(rewritten.model.graph().node_size(), model.graph().node_size() + 1) << "one for both products";
  EXPECT_EQ(rewritten.rescaled.at("t_smoothed").source, "t");
  EXPECT_EQ(rewritten.rescaled.count("t"), 0u);
  ExpectSameNumbers(model, rewritten.model);
  Bench bench(std::move(model), {16, 4, kSize});
  EXPECT_GT(bench.Sqnr(Smooth()), bench.Sqnr(Plain()) + 6);
  auto decisions = bench.quantizer.Quantize(Smooth()).value().decisions;
  auto one = std::find_if(decisions.begin(), decisions.end(), [](const auto& decision) { return decision.name == "one"; });
  EXPECT_THAT(one->why, HasSubstr("smoothed by a multiplication before it, which wins"));
}

// Even channels, so nothing is won; the twin of the case above.
TEST(SmoothQuantTest, InsertsNothingThatDoesNotPay) {
  Model model = TwoReaders(kNorm, "r = Add (t, x)", "float[N,4,32] y, float[N,4,32] z, float[N,4,32] r");
  std::vector<float> ones(kSize, 1.0f);
  model.SetWeight("gamma", Tensor::From<float>({kSize}, std::span<const float>(ones)));
  model.SetWeight("beta", Tensor(DType::kFloat, {kSize}));
  Bench bench(model.Clone(), {16, 4, kSize});
  QuantizedModel plain = bench.quantizer.Quantize(Plain()).value(), smooth = bench.quantizer.Quantize(Smooth()).value();
  EXPECT_EQ(smooth.model.graph().node_size(), plain.model.graph().node_size());
  EXPECT_TRUE(bench.quantizer.Facts(Smooth()).value().smooth_factors.empty());
}

// The hard case of the benchmark: the residual path takes the outliers out again.
TEST(SmoothQuantTest, AConstantMulBesideTheProductsTakesTheFactorsIn) {
  Model model = TwoReaders(kNorm, "u = Mul (t, gamma)  r = Add (u, x)", "float[N,4,32] y, float[N,4,32] z, float[N,4,32] r");
  RewrittenModel rewritten = Rewritten(model.Clone(), Smooth());
  EXPECT_EQ(rewritten.model.graph().node_size(), model.graph().node_size());
  ExpectSameNumbers(model, rewritten.model);
}

TEST(SmoothQuantTest, AProductKeptInFloatSharesTheFactors) {
  Model model = TwoReaders(kNorm);
  QuantConfig config = Smooth();
  config.SetMode("other", OpMode::kFloat);
  RewrittenModel rewritten = Rewritten(model.Clone(), config);
  EXPECT_EQ(rewritten.rescaled.count("t"), 1u);
  auto data = RandomRows(model, {8, 4, kSize});
  Model before = model.Clone(), after = rewritten.model.Clone();
  for (Model* shown : {&before, &after}) shown->mutable_graph().mutable_output()->DeleteSubrange(0, 1);  // z, of "other"
  EXPECT_GT(SqnrDb(RunModel(before, *data), RunModel(after, *data)), 100.0);
}

TEST(SmoothQuantTest, LeavesAModelOutputAlone) {
  Model model = TwoReaders(kNorm, "", "float[N,4,32] y, float[N,4,32] z, float[N,4,32] t");
  RewrittenModel rewritten = Rewritten(model.Clone(), Smooth());
  EXPECT_EQ(rewritten.rescaled.count("t"), 0u);
  ExpectSameNumbers(model, rewritten.model);
}

TEST(SmoothQuantTest, WinsForRangesTakenAtRunTimeToo) {
  Bench bench(TwoReaders(kNorm), {16, 4, kSize});
  EXPECT_GT(bench.Sqnr(Smooth(0.5, OpMode::kDynamic)), bench.Sqnr(Plain(OpMode::kDynamic)) + 6);
}

TEST(SmoothQuantTest, TheFirstNamedReaderDecidesTheAlphaOfAll) {
  QuantConfig config = Smooth(0.3);
  config.smooth_quant->alphas["other"] = 0.8;
  Bench bench(TwoReaders(kNorm), {16, 4, kSize});
  EXPECT_EQ(bench.quantizer.Facts(config).value().smooth_factors, bench.quantizer.Facts(Smooth(0.8)).value().smooth_factors);
  EXPECT_NE(bench.quantizer.Facts(config).value().smooth_factors, bench.quantizer.Facts(Smooth(0.3)).value().smooth_factors);
}

TEST(SmoothQuantTest, FactsAreEnoughToRepeatIt) {
  Bench bench(TwoReaders(kNorm, "r = Add (t, x)", "float[N,4,32] y, float[N,4,32] z, float[N,4,32] r"), {16, 4, kSize});
  Quantizer replay = Quantizer::Create(bench.model.Clone()).value();
  QuantFacts facts = bench.quantizer.Facts(Smooth()).value();
  replay.UseFacts(Smooth(), facts);
  EXPECT_EQ(replay.Quantize(Smooth()).value().model.proto().SerializeAsString(),
            bench.quantizer.Quantize(Smooth()).value().model.proto().SerializeAsString());
  facts.smooth_factors.begin()->second.pop_back();
  replay.UseFacts(Smooth(), facts);
  EXPECT_EQ(replay.Quantize(Smooth()).status().reason(), "BAD_FACTS");
}

TEST(SmoothQuantTest, NeedsStatisticsOfChannelsAndAnAlpha) {
  Bench bench(TwoReaders(kNorm), {4, 4, kSize});
  EXPECT_EQ(bench.quantizer.Quantize(Smooth(1.5)).status().reason(), "BAD_ALPHA");
  NullProgress progress;
  ASSERT_TRUE(bench.quantizer.Calibrate(*bench.data, AllRows(*bench.data), {}, progress, {}).ok());
  EXPECT_EQ(bench.quantizer.Quantize(Smooth()).status().reason(), "NOT_CALIBRATED");
}

}  // namespace
}  // namespace ns
