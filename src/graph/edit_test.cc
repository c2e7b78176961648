#include "graph/edit.h"

#include <gmock/gmock.h>

#include "graph/attributes.h"
#include "graph/shapes.h"
#include "graph/text.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Model Parse(std::string_view body) {
  auto model = Model::FromText(fmt::format(R"(<ir_version: 8, opset_import: ["" : 17]> {})", body));
  NS_CHECK(model.ok(), "{}", model.status().ToString());
  return *std::move(model);
}

TEST(SortNodes, PutsMakersBeforeUsersAndKeepsTheRest) {
  Model model = Parse("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  auto& graph = model.mutable_graph();
  graph.clear_node();
  AddNode(graph, "Add", {"b", "c"}, {"y"});
  AddNode(graph, "Relu", {"x"}, {"c"});
  AddNode(graph, "Neg", {"x"}, {"b"});
  ASSERT_TRUE(SortNodes(graph).ok());
  EXPECT_EQ(NodesToText(graph), "c = Relu (x)\nb = Neg (x)\ny = Add (b, c)\n");
}

TEST(SortNodes, RefusesACircle) {
  Model model = Parse("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  auto& graph = model.mutable_graph();
  AddNode(graph, "Relu", {"b"}, {"a"});
  AddNode(graph, "Relu", {"a"}, {"b"});
  EXPECT_EQ(SortNodes(graph).reason(), "GRAPH_CYCLE");
  EXPECT_EQ(graph.node_size(), 3);
}

TEST(ReplaceUses, ReachesIntoSubgraphsButLeavesGraphOutputs) {
  Model model = Parse(R"(g (bool c, float[2] x) => (float[2] r, float[2] y) {
    r = Relu(x)
    y = If (c) <then_branch = t () => (float[2] u) { u = Neg(r) }, else_branch = e () => (float[2] v) { v = Add(r, r) }>
  })");
  EXPECT_EQ(ReplaceUses(model.mutable_graph(), "r", "x"), 3);
  EXPECT_EQ(model.graph().output(0).name(), "r");
}

TEST(RemoveNodes, KeepsTheOrderOfTheOthers) {
  Model model = Parse("g (float[2] x) => (float[2] d) { a = Relu(x) b = Relu(a) c = Relu(b) d = Relu(c) }");
  RemoveNodes(model.mutable_graph(), {0, 2});
  EXPECT_EQ(NodesToText(model.graph()), "b = Relu (a)\nd = Relu (c)\n");
}

TEST(Attributes, AreTypedAndHaveDefaults) {
  ns_onnx::NodeProto node;
  EXPECT_EQ(IntAttribute(node, "axis", -1), -1);
  SetAttribute(node, "axis", int64_t{2});
  SetAttribute(node, "axis", int64_t{3});
  SetAttribute(node, "alpha", 0.5f);
  SetAttribute(node, "pads", std::vector<int64_t>{1, 2});
  SetAttribute(node, "mode", std::string_view("linear"));
  EXPECT_EQ(node.attribute_size(), 4);
  EXPECT_EQ(IntAttribute(node, "axis", -1), 3);
  EXPECT_EQ(FloatAttribute(node, "alpha", 0), 0.5f);
  EXPECT_EQ(FloatAttribute(node, "axis", 7), 7);  // of another type
  EXPECT_THAT(IntsAttribute(node, "pads"), ElementsAre(1, 2));
  EXPECT_EQ(StringAttribute(node, "mode", ""), "linear");
  EXPECT_TRUE(RemoveAttribute(node, "mode"));
  EXPECT_FALSE(RemoveAttribute(node, "mode"));
}

TEST(ShapeMap, FollowsShapesThroughIntegerArithmetic) {
  Model model = Parse(R"(g (float[N, 3, 4] x) => (float[a, b] y) <int64[1] at = {0}, int64[1] rest = {12}> {
    s = Shape(x)
    n = Gather(s, at)
    to = Concat <axis = 0> (n, rest)
    flat = Reshape(x, to)
    y = Relu(flat)
  })");
  ShapeMap shapes = ShapeMap::Infer(model);
  EXPECT_TRUE(shapes.note().empty()) << shapes.note();
  EXPECT_EQ(shapes.Rank("flat"), 2);
  EXPECT_EQ(shapes.Find("flat")->shape, (Shape{-1, 12}));
  EXPECT_EQ(shapes.StaticShape("flat"), std::nullopt);
  EXPECT_EQ(*shapes.StaticShape("rest"), (Shape{1}));
  EXPECT_EQ(shapes.Bytes("to"), 16u);  // two int64
  EXPECT_EQ(shapes.Find("nothing"), nullptr);
}

// A BERT's positions: a table, cut to the length of the rows.
TEST(ShapeMap, ASliceKeepsTheSizesThatItDoesNotCut) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]> g (float[batch, length, 4] x) => (float[a, b, c] y)
    <int64 second = {1}, int64[1] zero = {0}, int64[1] one = {1}, float[1, 3, 4] table = {1,2,3,4,5,6,7,8,9,10,11,12}> {
    s = Shape(x)  n = Gather(s, second)  end = Unsqueeze(n, zero)  part = Slice(table, zero, end, one)  sum = Add(x, part)  y = Relu(sum) })").value();
  ShapeMap shapes = ShapeMap::Infer(model);
  ASSERT_NE(shapes.Find("part"), nullptr);
  EXPECT_EQ(shapes.Find("part")->shape, (Shape{1, -1, 4}));
  EXPECT_EQ(shapes.Find("sum")->shape, (Shape{-1, -1, 4}));
  EXPECT_EQ(shapes.Find("sum")->dimension_names[0], "batch");
}

TEST(ShapeMap, AModelThatContradictsItselfIsNotRefused) {
  Model model = Parse("g (float[2, 3] x) => (float[5, 5] y) { y = Relu(x) }");
  ShapeMap shapes = ShapeMap::Infer(model);
  EXPECT_EQ(*shapes.StaticShape("x"), (Shape{2, 3}));
  EXPECT_EQ(*shapes.StaticShape("y"), (Shape{5, 5}));  // as it declares
}

TEST(ToText, ShowsBigWeightsByShape) {
  Model model = Parse("g (float[2] x) => (float[n] y) <float[1] w = {1}> { y = Add(x, w) }");
  model.SetWeight("w", Tensor(DType::kFloat, {4096}));
  std::string text = ToText(model);
  EXPECT_THAT(text, HasSubstr("float[4096] w"));
  EXPECT_THAT(text, HasSubstr("y = Add (x, w)"));
  EXPECT_LT(text.size(), 400u);
}

}  // namespace
}  // namespace ns
