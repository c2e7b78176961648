#include "passes/pool_means.h"

#include <gmock/gmock.h>

#include "graph/text.h"
#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

Model MeanOf(const std::string& shape, const std::string& node, int opset = 17) {
  return ParseModel(fmt::format("g (float[{}] x) => (float y) <int64[2] axes = {{2, -1}}, int64[1] last = {{3}}> {{ a = Relu (x) {} }}", shape, node),
                    opset);
}

TEST(PoolMeans, TheMeanOverHeightAndWidthIsAPool) {
  Model model = MeanOf("2, 3, 4, 5", "y = ReduceMean <axes = [2, 3]> (a)");
  EXPECT_EQ(RunAndCompare(PoolMeans(), model, X({2, 3, 4, 5}), 1e-6f), 1);
  EXPECT_EQ(NodesToText(model.graph()), "a = Relu (x)\ny = GlobalAveragePool (a)\n");
}

TEST(PoolMeans, TakesAxesInAnyOrderFromBehindAndAsAnInput) {
  Model behind = MeanOf("2, 3, 4, 5", "y = ReduceMean <axes = [-1, -2]> (a)");
  EXPECT_EQ(RunAndCompare(PoolMeans(), behind, X({2, 3, 4, 5}), 1e-6f), 1);
  Model input = MeanOf("2, 3, 4, 5", "y = ReduceMean (a, axes)", 18);
  EXPECT_EQ(RunAndCompare(PoolMeans(), input, X({2, 3, 4, 5}), 1e-6f), 1);
  EXPECT_EQ(NodesToText(input.graph()), "a = Relu (x)\ny = GlobalAveragePool (a)\n");
  Model volume = MeanOf("1, 2, 3, 4, 5", "y = ReduceMean <axes = [2, 3, 4]> (a)");
  EXPECT_EQ(RunAndCompare(PoolMeans(), volume, X({1, 2, 3, 4, 5}), 1e-6f), 1);
}

TEST(PoolMeans, AMeanThatDropsTheAxesIsFlattened) {
  Model model = MeanOf("2, 3, 4, 5", "b = ReduceMean <axes = [2, 3], keepdims = 0> (a)  y = Neg (b)");
  EXPECT_EQ(RunAndCompare(PoolMeans(), model, X({2, 3, 4, 5}), 1e-6f), 1);
  EXPECT_EQ(NodesToText(model.graph()), "a = Relu (x)\nb_pooled = GlobalAveragePool (a)\nb = Flatten (b_pooled)\ny = Neg (b)\n");
}

TEST(PoolMeans, LeavesOtherAxesOtherRanksAndOtherTypes) {
  for (const auto& [shape, node] : std::vector<std::pair<std::string, std::string>>{
           {"2, 3, 4, 5", "y = ReduceMean <axes = [1, 2]> (a)"},
           {"2, 3, 4, 5", "y = ReduceMean <axes = [3]> (a)"},
           {"2, 3, 4, 5", "y = ReduceMean (a)"},
           {"2, 3, 4, 5", "y = ReduceSum (a, axes)"},
           {"2, 3, 4", "y = ReduceMean <axes = [2]> (a)"},  // LayerNormalization's
           {"2, 3, 4, 5", "b = Cast <to = 11> (a)  c = ReduceMean <axes = [2, 3]> (b)  y = Cast <to = 1> (c)"}}) {
    Model model = MeanOf(shape, node);
    EXPECT_EQ(PoolMeans().Run(model, {}).value(), 0) << shape << " " << node;
  }
  Model computed = ParseModel(R"(g (float[1, 2, 3, 4] x, int64[2] at) => (float[1, 2, 1, 1] y) { y = ReduceMean (x, at) })", 18);
  EXPECT_EQ(PoolMeans().Run(computed, {}).value(), 0);
  Model unknown = ParseModel(R"(g (float x, int64[4] to) => (float y) { a = Reshape (x, to)  b = Neg (x)  y = ReduceMean <axes = [2, 3]> (b) })");
  EXPECT_EQ(PoolMeans().Run(unknown, {}).value(), 0);
}

}  // namespace
}  // namespace ns
