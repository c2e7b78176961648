#include "passes/order_operands.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

Model WithNode(const std::string& node) {
  return Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y) <float[2] c = {1, 2}> { )" + node + " }")
      .value();
}

TEST(OrderOperandsTest, AConstantFirstOperandMovesBehind) {
  for (const char* type : {"Add", "Mul"}) {
    Model model = WithNode("y = " + std::string(type) + " (c, x)");
    EXPECT_EQ(OrderOperands().Run(model, {}).value(), 1);
    EXPECT_EQ(model.graph().node(0).input(0), "x");
    EXPECT_EQ(model.graph().node(0).input(1), "c");
  }
}

TEST(OrderOperandsTest, LeavesWhatDoesNotCommuteOrIsInOrder) {
  for (const char* node : {"y = Sub (c, x)", "y = Add (x, c)", "y = Add (x, x)", "y = Add (c, c)"}) {
    Model model = WithNode(node);
    EXPECT_EQ(OrderOperands().Run(model, {}).value(), 0) << node;
  }
}

}  // namespace
}  // namespace ns
