#include "passes/remove_identities.h"

#include <gmock/gmock.h>

#include "graph/edit.h"
#include "graph/text.h"
#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

TEST(RemoveIdentities, BypassesInTheMiddleAndAtAnOutput) {
  Model model = ParseModel(R"(g (float[2, 2] x) => (float[2, 2] y) {
    a = Identity(x)  b = Relu(a)  c = Dropout(b)  d = Transpose <perm = [0, 1]> (c)  e = Cast <to = 1> (d)  y = Concat <axis = 0> (e) })");
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2, 2})), 5);
  EXPECT_EQ(NodesToText(model.graph()), "y = Relu (x)\n");
}

TEST(RemoveIdentities, TakesAReluBehindAReluOnceOnly) {
  Model model = ParseModel(R"(g (float[2] x) => (float[2] y, float[2] z) { a = Relu(x)  b = Relu(a)  y = Relu(b)  c = Neg(a)  z = Relu(c) })");
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2})), 2);
  EXPECT_EQ(NodesToText(model.graph()), "y = Relu (x)\nc = Neg (y)\nz = Relu (c)\n");
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

// 3 MB of a model, far below the limit of its size. Renaming after each removal takes hours.
TEST(RemoveIdentities, TakesTimeLinearInTheNodes) {
  Model model = ParseModel("g (float[2] x) => (float[2] y) { v0 = Neg(x)  y = Neg(v0) }");
  auto& graph = model.mutable_graph();
  constexpr int kNodes = 100'000;
  for (int i = 1; i <= kNodes; ++i) AddNode(graph, "Identity", {"v" + std::to_string(i - 1)}, {"v" + std::to_string(i)});
  graph.mutable_node(1)->set_input(0, "v" + std::to_string(kNodes));
  ASSERT_TRUE(SortNodes(graph).ok());
  RemoveIdentities pass;
  EXPECT_EQ(pass.Run(model, {}).value(), kNodes);
  EXPECT_EQ(NodesToText(graph), "v0 = Neg (x)\ny = Neg (v0)\n");
}

TEST(RemoveIdentities, OfTwoOutputsOfOneValueOneStays) {
  Model model = ParseModel("g (float[2] x) => (float[2] y, float[2] z) { a = Neg(x)  y = Identity(a)  b = Identity(y)  z = Identity(b) }");
  EXPECT_EQ(RunAndCompare(RemoveIdentities(), model, X({2})), 2);
  EXPECT_EQ(NodesToText(model.graph()), "y = Neg (x)\nz = Identity (y)\n");
}

}  // namespace
}  // namespace ns
