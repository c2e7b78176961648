// Models from onnx's text form, and what loading normalizes.
#include <gmock/gmock.h>

#include "graph/model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ModelText, RefusesBrokenText) {
  auto model = Model::FromText("g (float x => ");
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().reason(), "BAD_MODEL_TEXT");
}

TEST(ModelText, TurnsConstantNodesIntoWeightsButLeavesSubgraphsAlone) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (bool c, float[2] x) => (float[2] y) {
      k = Constant <value = float[2] {3, 4}> ()
      s = Add(x, k)
      y = If (c) <then_branch = t () => (float[2] a) { a = Mul(s, k) }, else_branch = e () => (float[2] b) { b = Constant <value = float[2] {1, 1}> () }>
    })").value();
  EXPECT_THAT(model.WeightNames(), ElementsAre("k"));
  EXPECT_THAT(model.Weight("k")->values<float>(), ElementsAre(3, 4));
  ASSERT_EQ(model.graph().node_size(), 2);
  EXPECT_EQ(model.graph().node(1).attribute(1).g().node_size() + model.graph().node(1).attribute(0).g().node_size(), 2);
}

TEST(ModelText, KeepsAConstantThatIsAnOutput) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[1] x) => (float[1] y, float[1] k) { k = Constant <value = float[1] {3}> ()  y = Add(x, k) })").value();
  EXPECT_EQ(model.graph().node_size(), 2);
  EXPECT_TRUE(model.WeightNames().empty());
}

TEST(ModelText, AnInputWithADefaultBecomesAConstant) {
  Model model = Model::FromText(R"(<ir_version: 3, opset_import: ["" : 13]>
    g (float[2] x, float[2] w) => (float[2] y) <float[2] w = {5, 6}> { y = Add(x, w) })").value();
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.graph().input_size(), 1);
  EXPECT_EQ(model.proto().ir_version(), 4);
  EXPECT_EQ(model.notes().size(), 2u);
}

}  // namespace
}  // namespace ns
