#include "passes/name_nodes.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(NameNodesTest, NamesTheNamelessAndTheDoublesOnly) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y)
    { [first] a = Relu (x)  b = Relu (a)  [first] c = Neg (b)  y = Relu (c) })").value();
  EXPECT_EQ(NameNodes().Run(model, {}).value(), 3);
  EXPECT_EQ(model.graph().node(0).name(), "first");
  EXPECT_EQ(model.graph().node(1).name(), "Relu");
  EXPECT_EQ(model.graph().node(2).name(), "Neg");
  EXPECT_EQ(model.graph().node(3).name(), "Relu_1");
  EXPECT_EQ(NameNodes().Run(model, {}).value(), 0);
}

}  // namespace
}  // namespace ns
