#include "runtime/optimized_graph.h"

#include <gmock/gmock.h>

#include "runtime/environment.h"
#include "runtime/ort_evaluator.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(OptimizedOperators, ShowsAFusion) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1, 2] x, float[2, 2] w) => (float[1, 2] y) { m = MatMul(x, w)  i = Identity(m)  y = Relu(i) })").value();
  EXPECT_THAT(CountOperators(model.graph()), ElementsAre(Pair("Identity", 1), Pair("MatMul", 1), Pair("Relu", 1)));
  EXPECT_THAT(OptimizedOperators(model).value(), ElementsAre(Pair("MatMul", 1), Pair("Relu", 1)));
}

TEST(OptimizedOperators, NamesOtherDomains) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[4] x) => (float[4] y) { y = com.microsoft.Gelu(x) })").value();
  EXPECT_THAT(CountOperators(model.graph()), ElementsAre(Pair("com.microsoft.Gelu", 1)));
}

TEST(OrtEvaluator, ComputesAModelWithoutInputs) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g () => (float[2] s, float[2] p) <float[2] a = {1, 2}, float[2] b = {10, 20}> { s = Add(a, b)  p = Mul(a, b) })").value();
  auto values = OrtEvaluator().Evaluate(model).value();
  EXPECT_THAT(values[0].values<float>(), ElementsAre(11, 22));
  EXPECT_THAT(values[1].values<float>(), ElementsAre(10, 40));
}

TEST(Environment, TellsTheVersion) { EXPECT_EQ(RuntimeVersion().substr(0, 2), "1."); }

}  // namespace
}  // namespace ns
