#include "worker/operator_shares.h"

#include <gmock/gmock.h>

#include "graph/model.h"

namespace ns {
namespace {

using ::testing::DoubleEq;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

OperatorDecision Decision(const std::string& name) { return {name, "", OpMode::kStatic, ""}; }

// Of 8 seconds: the product's three nodes take 4, the convolution in blocks 1, and Softmax is no operator of the decisions.
TEST(OperatorShares, AddUpTheNodesMadeOfAnOperator) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,2,2] x) => (float[1,1,2,2] y) <float[1,1,1,1] w = {1}>
    { [conv] c = Conv (x, w)  [relu] r = Relu (c)  [product] m = MatMul (r, r)  [softmax] y = Softmax (m) })").value();
  std::vector<NodeTime> nodes = {{"c_nchwc", "Conv", 1},         {"product_MatMulInteger", "MatMulInteger", 2}, {"product_Mul", "Mul", 1},
                                 {"product", "MatMul", 1},       {"softmax", "Softmax", 2},                     {"x_QuantizeLinear", "QuantizeLinear", 1}};
  std::vector<OperatorDecision> decisions = {Decision("conv"), Decision("relu"), Decision("product")};
  EXPECT_THAT(OperatorShares(nodes, decisions, model.graph()), UnorderedElementsAre(Pair("conv", DoubleEq(0.125)), Pair("product", DoubleEq(0.5))));
}

// ONNX Runtime takes Relu and Clip into a convolution in blocked layout and names it after what they make.
TEST(OperatorShares, AConvolutionOwnsTheActivationsThatItTookIn) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[1,1,2,2] x) => (float[1,1,1,1] y) <float[1,1,1,1] w = {1}>
    { [conv] c = Conv (x, w)  [relu] r = Relu (c)  [clip] k = Clip (r)  [pool] y = GlobalAveragePool (k) })").value();
  std::vector<NodeTime> nodes = {{"k_nchwc", "Conv", 3}, {"y_nchwc", "GlobalAveragePool", 1}};
  std::vector<OperatorDecision> decisions = {Decision("conv"), Decision("relu"), Decision("clip"), Decision("pool")};
  EXPECT_THAT(OperatorShares(nodes, decisions, model.graph()), UnorderedElementsAre(Pair("conv", DoubleEq(0.75)), Pair("pool", DoubleEq(0.25))));
}

TEST(OperatorShares, AnOperatorsOwnNameComesBeforeAnothersPart) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (float[2] y)
    { [a] b = Relu (x)  [a_Mul] y = Mul (b, b) })").value();
  std::vector<OperatorDecision> decisions = {Decision("a"), Decision("a_Mul")};
  EXPECT_THAT(OperatorShares(std::vector<NodeTime>{{"a_Mul", "Mul", 1}}, decisions, model.graph()), UnorderedElementsAre(Pair("a_Mul", DoubleEq(1))));
  EXPECT_TRUE(OperatorShares({}, decisions, model.graph()).empty());
}

}  // namespace
}  // namespace ns
