#include "graph/graph_index.h"

#include <gmock/gmock.h>

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Model Diamond() {
  return Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (bool c, float[2] x) => (float[2] y, float[2] r) <float[2] w = {1, 2}> {
      r = Relu(x)
      a = Add(r, w)
      m = Mul(a, a)
      y = If (c) <then_branch = t () => (float[2] u) { u = Add(m, w) }, else_branch = e () => (float[2] v) { v = Identity(m) }>
    })").value();
}

TEST(GraphIndex, FindsProducersAndUses) {
  Model model = Diamond();
  GraphIndex index(model);
  EXPECT_EQ(index.Producer("a"), 1);
  EXPECT_EQ(index.Producer("x"), -1);
  EXPECT_EQ(index.Producer("w"), -1);
  EXPECT_EQ(index.ProducerNode("m")->op_type(), "Mul");
  EXPECT_THAT(index.Uses("a"), ElementsAre(ValueUse{2, 0}, ValueUse{2, 1}));
  EXPECT_THAT(index.Uses("nothing"), IsEmpty());
  EXPECT_TRUE(index.IsInput("x") && index.IsOutput("y") && index.IsWeight("w"));
}

TEST(GraphIndex, CountsUsesInsideSubgraphs) {
  Model model = Diamond();
  GraphIndex index(model);
  EXPECT_THAT(index.Uses("m"), ElementsAre(ValueUse{3, -1}, ValueUse{3, -1}));
  EXPECT_THAT(index.Uses("w"), ElementsAre(ValueUse{1, 1}, ValueUse{3, -1}));
}

TEST(GraphIndex, AnOutputHasNoOnlyUse) {
  Model model = Diamond();
  GraphIndex index(model);
  EXPECT_EQ(index.OnlyUse("r"), nullptr);  // also a graph output
  EXPECT_EQ(index.OnlyUse("a"), nullptr);  // twice
  ASSERT_NE(index.OnlyUse("x"), nullptr);
  EXPECT_EQ(*index.OnlyUse("x"), (ValueUse{0, 0}));
}

TEST(OuterNames, LeavesOutWhatTheSubgraphDefines) {
  Model model = Diamond();
  const auto& branch = model.graph().node(3).attribute(0).g();
  EXPECT_THAT(OuterNames(branch), ElementsAre("m", "w"));
}

}  // namespace
}  // namespace ns
