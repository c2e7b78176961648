#include "runtime/profile.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "graph/model.h"

namespace ns {
namespace {

Model TwoNodes() {
  return Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[2, 2] x) => (float[2, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { [product] a = MatMul (x, w)  [curve] y = Tanh (a) })").value();
}

TEST(ProfileNodes, NamesTheNodesThatRanAndTheirTimes) {
  std::vector<NamedTensors> rows(3, NamedTensors{{"x", Tensor::From<float>({2, 2}, {1, 2, 3, 4})}});
  TempDir scratch = TempDir::Create("ns-test-").value();
  auto nodes = ProfileNodes(TwoNodes(), {}, rows, scratch.path()).value();
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path()));
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].name, "product");
  EXPECT_EQ(nodes[0].type, "MatMul");
  EXPECT_EQ(nodes[1].name, "curve");
  for (const NodeTime& node : nodes) {
    EXPECT_GE(node.seconds, 0);
    EXPECT_LT(node.seconds, 1);
  }
}

TEST(ProfileNodes, TakesAnyNames) {
  Model model = TwoNodes();
  const std::string product = "a \"b\\c\", {1}", curve = "line\nend_kernel_time\\";
  model.mutable_graph().mutable_node(0)->set_name(product);
  model.mutable_graph().mutable_node(1)->set_name(curve);
  std::vector<NamedTensors> rows(1, NamedTensors{{"x", Tensor::From<float>({2, 2}, {1, 2, 3, 4})}});
  TempDir scratch = TempDir::Create("ns-test-").value();
  auto nodes = ProfileNodes(model, {}, rows, scratch.path()).value();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].name, product);
  EXPECT_EQ(nodes[1].name, curve);
}

TEST(ProfileNodes, NeedsRowsThatFit) {
  TempDir scratch = TempDir::Create("ns-test-").value();
  EXPECT_EQ(ProfileNodes(TwoNodes(), {}, {}, scratch.path()).status().reason(), "NO_ROWS");
  std::vector<NamedTensors> wrong = {{{"z", Tensor::From<float>({1}, {1})}}};
  EXPECT_EQ(ProfileNodes(TwoNodes(), {}, wrong, scratch.path()).status().reason(), "MISSING_INPUT");
}

// The first run's 9 seconds don't count; two nodes of one name and type are one: 1.5, 2.5 and, disturbed, 70 ms.
TEST(ParseProfile, TakesTheMedianOfTheRunsBehindTheFirst) {
  std::string json = R"([{"cat": "Session", "name": "session_initialization", "dur": 5},
    {"cat": "Node", "name": "conv_token_1_kernel_time", "dur": 9000000, "args": {"op_name": "QLinearConv"}},
    {"cat": "Session", "name": "model_run", "dur": 9000000},
    {"cat": "Node", "name": "conv_token_1_kernel_time", "dur": 1000, "args": {"op_name": "QLinearConv"}},
    {"cat": "Node", "name": "conv_token_2_kernel_time", "dur": 500, "args": {"op_name": "QLinearConv"}},
    {"cat": "Node", "name": "a_token_kernel_time", "dur": 250, "args": {"op_name": "Add"}},
    {"cat": "Session", "name": "model_run", "dur": 2000},
    {"cat": "Node", "name": "conv_token_1_kernel_time", "dur": 70000, "args": {"op_name": "QLinearConv"}},
    {"cat": "Node", "name": "a_token_kernel_time", "dur": 240, "args": {"op_name": "Add"}},
    {"cat": "Session", "name": "model_run", "dur": 2000},
    {"cat": "Node", "name": "conv_token_1_kernel_time", "dur": 2500, "args": {"op_name": "QLinearConv"}},
    {"cat": "Session", "name": "model_run", "dur": 2000}])";
  auto nodes = ParseProfile(json, 3).value();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].name, "conv");
  EXPECT_DOUBLE_EQ(nodes[0].seconds, 0.0025);
  EXPECT_EQ(nodes[1].name, "a_token");
  EXPECT_DOUBLE_EQ(nodes[1].seconds, 0.00024);  // of 0.25, 0.24 and none
  EXPECT_EQ(ParseProfile(json, 4).status().reason(), "BAD_PROFILE");
  EXPECT_EQ(ParseProfile("{}", 1).status().reason(), "BAD_PROFILE");
  EXPECT_EQ(ParseProfile("[1", 1).status().reason(), "BAD_PROFILE");
}

}  // namespace
}  // namespace ns
