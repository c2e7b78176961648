#include "passes/upgrade_opset.h"

#include <gmock/gmock.h>

#include "graph/text.h"
#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

using ::testing::HasSubstr;

constexpr const char* kOpset11 = R"(g (float[2, 3, 4] x) => (float[2, 3, 4] soft, float[2, 3, 4] last, float[2, 4] sum, float[2, 1, 4] b) {
    soft = Softmax <axis = 1> (x)
    last = LogSoftmax <axis = 2> (x)
    sum = ReduceSum <axes = [1], keepdims = 0> (x)
    p, q = Split <axis = 1, split = [1, 2]> (x)
    u = Unsqueeze <axes = [0]> (p)
    v = Squeeze <axes = [0]> (u)
    b = Dropout <ratio = 0.25> (v)
  })";

TEST(UpgradeOpset, KeepsTheNumbersOfWhatChangedMeaning) {
  for (int opset : {11, 12}) {
    std::string text = kOpset11;
    if (opset == 12) text.replace(text.find("<ratio = 0.25> "), 15, "");
    Model model = ParseModel(text, opset);
    EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3, 4}), 1e-6f), opset == 11 ? 8 : 7);
    EXPECT_EQ(model.opset(), 13);
    std::string nodes = NodesToText(model.graph());
    EXPECT_THAT(nodes, HasSubstr("soft_flat = Flatten (x)"));
    EXPECT_THAT(nodes, HasSubstr("last = LogSoftmax (x)"));
  }
}

TEST(UpgradeOpset, ReachesIntoSubgraphs) {
  Model model = ParseModel(R"(g (float[2, 3] x) => (float[2] y) <bool c = {1}> {
    y = If (c) <then_branch = t () => (float[2] u) { u = ReduceSum <axes = [1], keepdims = 0> (x) },
                else_branch = e () => (float[2] v) { v = ReduceMax <axes = [1], keepdims = 0> (x) }> })", 11);
  EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3}), 1e-6f), 2);
}

TEST(UpgradeOpset, LeavesNewerModelsAlone) {
  for (int opset : {13, 17, 18, 21}) {
    Model model = ParseModel("g (float[2, 3] x) => (float[2, 3] y) { y = Softmax <axis = 1> (x) }", opset);
    EXPECT_EQ(RunAndCompare(UpgradeOpset(), model, X({2, 3})), 0);
    EXPECT_EQ(model.opset(), opset);
  }
}

}  // namespace
}  // namespace ns
