// Each rewrite: where it applies, a twin where it must not, and the same numbers before and after on the runtime.
#include <gmock/gmock.h>

#include "base/file.h"
#include "graph/attributes.h"
#include "graph/text.h"
#include "passes/fold_batch_normalization.h"
#include "passes/fold_constants.h"
#include "passes/fold_scale_shift.h"
#include "passes/pass_manager.h"
#include "passes/remove_dead.h"
#include "passes/remove_identities.h"
#include "passes/testing/same_numbers.h"
#include "passes/upgrade_opset.h"
#include "runtime/ort_evaluator.h"
#include "runtime/session.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<Tensor> Results(const Model& model, const NamedTensors& inputs) {
  SessionOptions options;
  options.optimization = GraphOptimization::kNone;
  auto session = Session::FromModel(model, options);
  NS_CHECK(session.ok(), "{}", session.status().ToString());
  auto results = session->Run(inputs);
  NS_CHECK(results.ok(), "{}", results.status().ToString());
  return *std::move(results);
}

// Runs the pass, and returns the number of changes after comparing what the model computes before and after.
int RunAndCompare(Pass&& pass, Model& model, const NamedTensors& inputs, float tolerance = 0) {
  std::vector<Tensor> before = Results(model, inputs);
  OrtEvaluator evaluator;
  PassContext context;
  context.evaluator = &evaluator;
  int changes = pass.Run(model, context).value();
  EXPECT_TRUE(model.Verify().ok()) << model.Verify().ToString();
  std::vector<Tensor> after = Results(model, inputs);
  for (size_t o = 0; o < before.size(); ++o) {
    EXPECT_EQ(before[o].shape(), after[o].shape());
    auto a = before[o].values<float>(), b = after[o].values<float>();
    float worst = 0;
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / (1 + std::abs(a[i])));
    EXPECT_LE(worst, tolerance) << "output " << o;
  }
  return changes;
}

NamedTensors X(Shape shape) { return {{"x", Wave(std::move(shape))}}; }

// ---- RemoveDead

TEST(RemoveDead, RemovesDeadChainsAndTheirWeights) {
  Model model = ParseModel(R"(g (float[2] x) => (float[2] y) <float[2] w = {1, 2}, float[2] v = {3, 4}> {
    y = Add(x, w)  a = Mul(x, v)  b = Relu(a) })");
  EXPECT_EQ(RunAndCompare(RemoveDead(), model, X({2})), 3);
  EXPECT_EQ(NodesToText(model.graph()), "y = Add (x, w)\n");
  EXPECT_THAT(model.WeightNames(), ElementsAre("w"));
}

TEST(RemoveDead, KeepsWhatSubgraphsUse) {
  Model model = ParseModel(R"(g (float[2] x) => (float[2] y) <bool c = {1}, float[2] w = {1, 2}> {
    a = Relu(x)
    y = If (c) <then_branch = t () => (float[2] u) { u = Add(a, w) }, else_branch = e () => (float[2] v) { v = Neg(a) }> })");
  EXPECT_EQ(RunAndCompare(RemoveDead(), model, X({2})), 0);
  EXPECT_EQ(model.graph().node_size(), 2);
}

// ---- RemoveIdentities

TEST(RemoveIdentities, BypassesInTheMiddleAndAtAnOutput) {
  Model model = ParseModel(R"(g (float[2, 2] x) => (float[2, 2] y) {
    a = Identity(x)  b = Relu(a)  c = Dropout(b)  d = Transpose <perm = [0, 1]> (c)  e = Cast <to = 1> (d)  y = Concat <axis = 0> (e) })");
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2, 2})), 5);
  EXPECT_EQ(NodesToText(model.graph()), "y = Relu (x)\n");
}

TEST(RemoveIdentities, LeavesWhatDoesSomething) {
  Model model = ParseModel(R"(g (float[2, 2] x) => (float[2, 2] y, float[2, 2] z) {
    a = Transpose <perm = [1, 0]> (x)  b = Cast <to = 11> (a)  c = Cast <to = 1> (b)  y = Concat <axis = 0> (c)  z = Identity(x) })");
  // c goes: double back to float is no identity, but Concat of one input is; z stays between an input and an output.
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2, 2})), 1);
  EXPECT_EQ(NodesToText(model.graph()), "a = Transpose (x)\nb = Cast (a)\ny = Cast (b)\nz = Identity (x)\n");
}

TEST(RemoveIdentities, LeavesADropoutWhoseMaskIsUsed) {
  Model model = ParseModel(R"(g (float[2] x) => (float[2] y, bool[2] m) { d, m = Dropout(x)  y = Relu(d) })");
  RemoveIdentities pass;
  EXPECT_EQ(pass.Run(model, {}).value(), 0);
}

TEST(RemoveIdentities, RenamesUsesInsideSubgraphs) {
  Model model = ParseModel(R"(g (float[2] x) => (float[2] y) <bool c = {1}> {
    r = Relu(x)  a = Identity(r)
    y = If (c) <then_branch = t () => (float[2] u) { u = Neg(a) }, else_branch = e () => (float[2] v) { v = Identity(a) }> })");
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2})), 1);
}

// ---- FoldConstants

TEST(FoldConstants, ComputesChainsOfWeights) {
  Model model = ParseModel(R"(g (float[2, 2] x) => (float[2, 2] y) <float[2, 2] w = {1, 2, 3, 4}, float[1] k = {10}> {
    t = Transpose <perm = [1, 0]> (w)  s = Mul(t, k)  y = MatMul(x, s) })");
  EXPECT_EQ(RunAndCompare(FoldConstants(), model, X({2, 2})), 2);
  EXPECT_EQ(NodesToText(model.graph()), "y = MatMul (x, s)\n");
  EXPECT_THAT(model.Weight("s")->values<float>(), ElementsAre(10, 30, 20, 40));
}

TEST(FoldConstants, FoldsShapesThatAreKnown) {
  Model model = ParseModel(R"(g (float[2, 3, 4] x) => (float[2, 12] y) <int64[1] at = {0}, int64[1] rest = {-1}> {
    r = Relu(x)  s = Shape(r)  n = Gather(s, at)  to = Concat <axis = 0> (n, rest)  y = Reshape(r, to) })");
  EXPECT_EQ(RunAndCompare(FoldConstants(), model, X({2, 3, 4})), 3);
  EXPECT_EQ(NodesToText(model.graph()), "r = Relu (x)\ny = Reshape (r, to)\n");
  EXPECT_THAT(model.Weight("to")->values<int64_t>(), ElementsAre(2, -1));
}

TEST(FoldConstants, LeavesShapesThatVary) {
  Model model = ParseModel(R"(g (float[N, 3] x) => (float[M] y) <int64[1] at = {0}> {
    s = Shape(x)  n = Gather(s, at)  one = Cast <to = 1> (n)  r = Relu(x)  m = ReduceMax <keepdims = 0, axes = [0, 1]> (r)  y = Mul(m, one) })");
  EXPECT_EQ(RunAndCompare(FoldConstants(), model, X({2, 3})), 0);
}

TEST(FoldConstants, LeavesRandomQuantizedAndHugeResults) {
  Model model = ParseModel(R"(g (float[1] x) => (float[n] y, float[m] z, float[k] q)
    <float[1] w = {1}, int64[1] large = {1000000}, float s = {0.5}, uint8 zp = {0}, uint8[2] c = {1, 2}> {
    r = RandomNormalLike(w)  y = Add(x, r)
    e = Expand(w, large)     z = Add(x, e)
    d = DequantizeLinear(c, s, zp)  q = Add(x, d) })");
  OrtEvaluator evaluator;
  PassContext context;
  context.evaluator = &evaluator;
  EXPECT_EQ(FoldConstants().Run(model, context).value(), 0);
}

TEST(FoldConstants, FoldsALargeTransposeOfAWeight) {
  Model model = ParseModel(R"(g (float[1, 600] x) => (float[1, 800] y) <float[1] w = {0}> {
    t = Transpose <perm = [1, 0]> (w)  y = MatMul(x, t) })");
  model.SetWeight("w", Wave({800, 600}));  // 1.9 MB, over the limit of 1 MiB for what grows
  EXPECT_EQ(RunAndCompare(FoldConstants(), model, X({1, 600}), 1e-6f), 1);
  EXPECT_EQ(model.Weight("t")->shape(), (Shape{600, 800}));
}

// ---- FoldBatchNormalization

constexpr const char* kConvBn = R"(g (float[1, 2, 4, 4] x) => (float[1, 4, ?, ?] y)
  <float[1] w = {0}, float[4] b = {1, 2, 3, 4}, float[4] scale = {1, 2, 0.5, -1}, float[4] B = {0, 1, 2, 3}, float[4] mean = {0.5, 0, -1, 2},
   float[4] var = {1, 4, 0.25, 2}> {
  c = CONV
  y = BatchNormalization (c, scale, B, mean, var) })";

Model ConvBn(const std::string& conv, Shape weight) {
  std::string text = kConvBn;
  text.replace(text.find("CONV"), 4, conv);
  text.replace(text.find("?, ?"), 4, "h, v");
  Model model = ParseModel(text);
  model.SetWeight("w", Wave(std::move(weight)));
  return model;
}

TEST(FoldBatchNormalization, FoldsIntoConvWithAndWithoutBias) {
  for (const char* conv : {"Conv (x, w, b)", "Conv (x, w)", "Conv <pads = [1, 1, 1, 1]> (x, w)"}) {
    Model model = ConvBn(conv, {4, 2, 3, 3});
    EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 2, 4, 4}), 1e-5f), 1);
    ASSERT_EQ(model.graph().node_size(), 1);
    EXPECT_EQ(model.graph().node(0).output(0), "y");
  }
}

TEST(FoldBatchNormalization, FoldsIntoGroupedConvolutions) {
  Model grouped = ConvBn("Conv <group = 2> (x, w)", {4, 1, 3, 3});
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), grouped, X({1, 2, 4, 4}), 1e-5f), 1);
  Model transposed = ConvBn("ConvTranspose (x, w, b)", {2, 4, 3, 3});
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), transposed, X({1, 2, 4, 4}), 1e-5f), 1);
  Model both = ConvBn("ConvTranspose <group = 2> (x, w)", {2, 2, 3, 3});
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), both, X({1, 2, 4, 4}), 1e-5f), 1);
}

// One channel by hand: w = 2, b = 1, scale = 3, B = 5, mean = 4, variance = 9 with epsilon 0: f = 3/3 = 1 → w' = 2, b' = (1 - 4) 1 + 5 = 2.
TEST(FoldBatchNormalization, ComputesTheParametersOfTheFormula) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y)
    <float[1, 1, 1, 1] w = {2}, float[1] b = {1}, float[1] scale = {3}, float[1] B = {5}, float[1] mean = {4}, float[1] var = {9}> {
    c = Conv (x, w, b)  y = BatchNormalization <epsilon = 0.0> (c, scale, B, mean, var) })");
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 1, 2, 2}), 1e-6f), 1);
  EXPECT_THAT(model.Weight(model.graph().node(0).input(1))->values<float>(), ElementsAre(2));
  EXPECT_THAT(model.Weight(model.graph().node(0).input(2))->values<float>(), ElementsAre(2));
}

TEST(FoldBatchNormalization, LeavesAConvolutionWithAnotherUser) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y, float[1, 1, 2, 2] z)
    <float[1, 1, 1, 1] w = {2}, float[1] one = {1}> {
    c = Conv (x, w)  y = BatchNormalization (c, one, one, one, one)  z = Relu(c) })");
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 1, 2, 2})), 0);
}

TEST(FoldBatchNormalization, LeavesTheWeightsOfAnotherConvolutionAlone) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y, float[1, 1, 2, 2] z)
    <float[1, 1, 1, 1] w = {2}, float[1] one = {1}, float[1] four = {4}> {
    c = Conv (x, w)  y = BatchNormalization (c, four, one, one, one)  z = Conv(x, w) })");
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 1, 2, 2}), 1e-6f), 1);
}

// ---- FoldScaleShift

Model ConvThen(const std::string& node, const std::string& constant) {
  Model model = ParseModel(fmt::format(R"(g (float[1, 2, 3, 3] x) => (float[1, 3, h, v] y) <float[1] w = {{0}}, {}> {{
    c = Conv (x, w)  y = {} }})", constant, node));
  model.SetWeight("w", Wave({3, 2, 2, 2}));
  return model;
}

TEST(FoldScaleShift, FoldsConstantsPerChannelAndScalars) {
  for (const auto& [node, constant] : std::vector<std::pair<std::string, std::string>>{{"Mul (c, k)", "float[3, 1, 1] k = {1, 2, -3}"},
                                                                                      {"Mul (k, c)", "float[1, 3, 1, 1] k = {1, 2, -3}"},
                                                                                      {"Add (c, k)", "float[1] k = {0.5}"},
                                                                                      {"Add (k, c)", "float[3, 1, 1] k = {1, 2, 3}"},
                                                                                      {"Sub (c, k)", "float[3, 1, 1] k = {1, 2, 3}"},
                                                                                      {"Div (c, k)", "float k = {4}"}}) {
    Model model = ConvThen(node, constant);
    EXPECT_EQ(RunAndCompare(FoldScaleShift(), model, X({1, 2, 3, 3}), 1e-5f), 1) << node;
    EXPECT_EQ(model.graph().node_size(), 1) << node;
  }
}

TEST(FoldScaleShift, LeavesWhatIsNotPerChannel) {
  for (const auto& [node, constant] : std::vector<std::pair<std::string, std::string>>{{"Mul (c, k)", "float[2] k = {1, 2}"},
                                                                                      {"Sub (k, c)", "float[1] k = {1}"},
                                                                                      {"Div (k, c)", "float[1] k = {1}"},
                                                                                      {"Div (c, k)", "float[1] k = {0}"}}) {
    Model model = ConvThen(node, constant);
    FoldScaleShift pass;
    EXPECT_EQ(pass.Run(model, {}).value(), 0) << node << " " << constant;
  }
}

TEST(FoldScaleShift, LeavesTheSumOfTwoConvolutions) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y) <float[1, 1, 1, 1] w = {2}> {
    c = Conv (x, w)  d = Conv (x, w)  y = Add (c, d) })");
  EXPECT_EQ(RunAndCompare(FoldScaleShift(), model, X({1, 1, 2, 2})), 0);
}

// ---- UpgradeOpset

constexpr const char* kOpset11 = R"(g (float[2, 3, 4] x) => (float[2, 3, 4] soft, float[2, 3, 4] last, float[2, 4] sum, float[2, 1, 4] b) {
    soft = Softmax <axis = 1> (x)
    last = LogSoftmax <axis = 2> (x)
    sum = ReduceSum <axes = [1], keepdims = 0> (x)
    p, q = Split <axis = 1, split = [1, 2]> (x)
    u = Unsqueeze <axes = [0]> (p)
    v = Squeeze <axes = [0]> (u)
    b = Dropout <ratio = 0.25> (v)
  })";

TEST(UpgradeOpset, KeepsTheNumbersOfWhatChangedMeaning) {
  for (int opset : {11, 12}) {
    std::string text = kOpset11;
    if (opset == 12) text.replace(text.find("<ratio = 0.25> "), 15, "");
    Model model = ParseModel(text, opset);
    EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3, 4}), 1e-6f), opset == 11 ? 8 : 7);
    EXPECT_EQ(model.opset(), 13);
    std::string nodes = NodesToText(model.graph());
    EXPECT_THAT(nodes, HasSubstr("soft_flat = Flatten (x)"));
    EXPECT_THAT(nodes, HasSubstr("last = LogSoftmax (x)"));
  }
}

TEST(UpgradeOpset, ReachesIntoSubgraphs) {
  Model model = ParseModel(R"(g (float[2, 3] x) => (float[2] y) <bool c = {1}> {
    y = If (c) <then_branch = t () => (float[2] u) { u = ReduceSum <axes = [1], keepdims = 0> (x) },
                else_branch = e () => (float[2] v) { v = ReduceMax <axes = [1], keepdims = 0> (x) }> })", 11);
  EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3}), 1e-6f), 2);
}

TEST(UpgradeOpset, LeavesNewerModelsAlone) {
  for (int opset : {13, 17, 18, 21}) {
    Model model = ParseModel("g (float[2, 3] x) => (float[2, 3] y) { y = Softmax <axis = 1> (x) }", opset);
    EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3})), 0);
    EXPECT_EQ(model.opset(), opset);
  }
}

// ---- PassManager

class BreakModel final : public Pass {
 public:
  std::string_view name() const override { return "break-model"; }
  Result<int> Run(Model& model, const PassContext&) override {
    model.mutable_graph().mutable_node(0)->set_input(0, "nowhere");
    return 1;
  }
};

TEST(RunPasses, ReportsEachAndSwitchesOffByName) {
  Model model = ParseModel("g (float[2] x) => (float[2] y) { a = Identity(x)  y = Relu(a)  z = Neg(y) }");
  PassManagerOptions options;
  options.switched_off = {"remove-dead"};
  auto reports = RunPasses(PreparationPasses(), model, {}, options).value();
  ASSERT_GE(reports.size(), 6u);
  EXPECT_EQ(reports[0].name, "remove-identities");
  EXPECT_EQ(reports[0].changes, 1);
  auto dead = std::find_if(reports.begin(), reports.end(), [](const PassReport& report) { return report.name == "remove-dead"; });
  EXPECT_TRUE(dead->switched_off);
  EXPECT_EQ(NodesToText(model.graph()), "y = Relu (x)\nz = Neg (y)\n");
  options.switched_off = {"remove-ded"};
  EXPECT_EQ(RunPasses(PreparationPasses(), model, {}, options).status().reason(), "UNKNOWN_PASS");
}

TEST(RunPasses, NamesThePassThatBreaksTheModelAndDumpsIt) {
  Model model = ParseModel("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  TempDir folder = TempDir::Create("ns-passes-").value();
  std::vector<std::unique_ptr<Pass>> passes;
  passes.push_back(std::make_unique<BreakModel>());
  PassManagerOptions options;
  options.dump_folder = folder.path();
  Status status = RunPasses(passes, model, {}, options).status();
  EXPECT_EQ(status.reason(), "PASS_BROKE_MODEL");
  EXPECT_THAT(status.message(), HasSubstr("break-model"));
  EXPECT_THAT(ReadFile(folder.path() / "01-break-model.txt").value(), HasSubstr("nowhere"));
}

TEST(PreparationPasses, TurnAnExportedBlockIntoPlainConvolutions) {
  for (int opset : {11, 13, 17, 18, 21}) {
    Model model = ParseModel(R"(g (float[1, 2, 4, 4] x) => (float[1, 12] y)
      <float[1] w = {0}, float[3] one = {1, 2, 3}, int64[1] at = {0}, int64[1] rest = {-1}> {
      c = Conv (x, w)  n = BatchNormalization (c, one, one, one, one)  r = Relu(n)  i = Identity(r)
      s = Shape(i)  f = Gather(s, at)  to = Concat <axis = 0> (f, rest)  flat = Reshape(i, to)
      y = Softmax <axis = 1> (flat) })", opset);
    model.SetWeight("w", Wave({3, 2, 3, 3}));
    std::vector<Tensor> before = Results(model, X({1, 2, 4, 4}));
    OrtEvaluator evaluator;
    PassContext context;
    context.evaluator = &evaluator;
    ASSERT_TRUE(RunPasses(PreparationPasses(), model, context).ok());
    EXPECT_EQ(NodesToText(model.graph()),
              "n = Conv (x, w_folded, w_bias_folded)\nr = Relu (n)\nflat = Reshape (r, to)\ny = Softmax (flat)\n") << opset;
    EXPECT_EQ(model.WeightNames().size(), 3u);
    std::vector<Tensor> after = Results(model, X({1, 2, 4, 4}));
    for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(before[0].values<float>()[i], after[0].values<float>()[i], 1e-6f);
  }
}

}  // namespace
}  // namespace ns
