#include "passes/remove_dead.h"

#include <gmock/gmock.h>

#include "graph/text.h"
#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

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

}  // namespace
}  // namespace ns
