#include "passes/fold_batch_normalization.h"

#include <gmock/gmock.h>

#include "graph/edit.h"
#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

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

// sqrt(-1) is NaN and 1 / sqrt(0) infinite; no fold, so nothing is compared.
TEST(FoldBatchNormalization, LeavesAVarianceThatGivesNoFiniteFactor) {
  for (const char* variance : {"-1", "0"}) {
    Model model = ParseModel(fmt::format(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y)
      <float[1, 1, 1, 1] w = {{2}}, float[1] one = {{1}}, float[1] var = {{{}}}> {{
      c = Conv (x, w)  y = BatchNormalization <epsilon = 0.0> (c, one, one, one, var) }})", variance));
    EXPECT_EQ(FoldBatchNormalization().Run(model, {}).value(), 0) << variance;
    EXPECT_EQ(model.graph().node_size(), 2);
  }
}

TEST(FoldBatchNormalization, LeavesTheWeightsOfAnotherConvolutionAlone) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y, float[1, 1, 2, 2] z)
    <float[1, 1, 1, 1] w = {2}, float[1] one = {1}, float[1] four = {4}> {
    c = Conv (x, w)  y = BatchNormalization (c, four, one, one, one)  z = Conv(x, w) })");
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 1, 2, 2}), 1e-6f), 1);
}

TEST(FoldBatchNormalization, FoldsSeveralBehindEachOther) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y)
    <float[1, 1, 1, 1] w = {2}, float[1] one = {1}, float[1] two = {2}, float[1] three = {3}> {
    c = Conv (x, w)  d = BatchNormalization (c, one, two, three, one)  e = BatchNormalization (d, two, one, one, three)
    f = Conv (e, w)  y = BatchNormalization (f, three, one, two, one) })");
  EXPECT_EQ(RunAndCompare(FoldBatchNormalization(), model, X({1, 1, 2, 2}), 1e-5f), 3);
  EXPECT_EQ(model.graph().node_size(), 2);
}

// An index made anew for each takes minutes.
TEST(FoldBatchNormalization, TakesTimeLinearInTheNodes) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y) <float[1, 1, 1, 1] w = {1}, float[1] one = {1}> { y = Neg (x) })");
  auto& graph = model.mutable_graph();
  graph.clear_node();
  constexpr int kPairs = 20'000;
  std::string from = "x";
  for (int i = 0; i < kPairs; ++i) {
    std::string conv = "c" + std::to_string(i), to = i + 1 == kPairs ? "y" : "b" + std::to_string(i);
    AddNode(graph, "Conv", {from, "w"}, {conv});
    AddNode(graph, "BatchNormalization", {conv, "one", "one", "one", "one"}, {to});
    from = to;
  }
  FoldBatchNormalization pass;
  EXPECT_EQ(pass.Run(model, {}).value(), kPairs);
  EXPECT_EQ(graph.node_size(), kPairs);
}

}  // namespace
}  // namespace ns
