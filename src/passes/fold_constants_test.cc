#include "passes/fold_constants.h"

#include <gmock/gmock.h>

#include "graph/text.h"
#include "passes/testing/same_numbers.h"
#include "runtime/ort_evaluator.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

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

// A fixed sequence beside a free batch.
TEST(FoldConstants, FoldsTheKnownSizesOfAShapeThatVaries) {
  Model model = ParseModel(R"(g (float[N, 3, 4] x) => (float[k] y) <int64 second = {1}, int64[2] last = {-2, -1}, int64[1] free = {0}> {
    s = Shape(x)  a = Gather(s, second)  b = Gather(s, last)  c = Gather(s, free)  t = Shape <start = -1> (x)
    d = Mul(a, b)  e = Concat <axis = 0> (d, c, t)  y = Cast <to = 1> (e) })");
  EXPECT_EQ(RunAndCompare(FoldConstants(), model, X({2, 3, 4})), 4);  // a, b, t, and d, which they make
  EXPECT_EQ(NodesToText(model.graph()), "s = Shape (x)\nc = Gather (s, free)\ne = Concat (d, c, t)\ny = Cast (e)\n");
  EXPECT_THAT(model.Weight("d")->values<int64_t>(), ElementsAre(9, 12));
  EXPECT_THAT(model.Weight("t")->values<int64_t>(), ElementsAre(4));
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

}  // namespace
}  // namespace ns
