#include "passes/fold_scale_shift.h"

#include <gmock/gmock.h>

#include "passes/testing/same_numbers.h"

namespace ns {
namespace {

Model ConvThen(const std::string& node, const std::string& constant) {
  Model model = ParseModel(fmt::format(R"(g (float[1, 2, 3, 3] x) => (float[1, 3, h, v] y) <float[1] w = {{0}}, {}> {{
    c = Conv (x, w)  y = {} }})", constant, node));
  model.SetWeight("w", Wave({3, 2, 2, 2}));
  return model;
}

TEST(FoldScaleShift, FoldsConstantsPerChannelAndScalars) {
  for (const auto& [node, constant] : std::vector<std::pair<std::string, std::string>>{{"Mul (c, k)", "float[3, 1, 1] k = {1, 2, -3}"},
                                                                                      {"Mul (k, c)", "float[1, 3, 1, 1] k = {1, 2, -3}"},
                                                                                      {"Add (c, k)", "float[1] k = {0.5}"},
                                                                                      {"Add (k, c)", "float[3, 1, 1] k = {1, 2, 3}"},
                                                                                      {"Sub (c, k)", "float[3, 1, 1] k = {1, 2, 3}"},
                                                                                      {"Div (c, k)", "float k = {4}"}}) {
    Model model = ConvThen(node, constant);
    EXPECT_EQ(RunAndCompare(FoldScaleShift(), model, X({1, 2, 3, 3}), 1e-5f), 1) << node;
    EXPECT_EQ(model.graph().node_size(), 1) << node;
  }
}

TEST(FoldScaleShift, LeavesWhatIsNotPerChannel) {
  for (const auto& [node, constant] : std::vector<std::pair<std::string, std::string>>{{"Mul (c, k)", "float[2] k = {1, 2}"},
                                                                                      {"Sub (k, c)", "float[1] k = {1}"},
                                                                                      {"Div (k, c)", "float[1] k = {1}"},
                                                                                      {"Div (c, k)", "float[1] k = {0}"}}) {
    Model model = ConvThen(node, constant);
    FoldScaleShift pass;
    EXPECT_EQ(pass.Run(model, {}).value(), 0) << node << " " << constant;
  }
}

TEST(FoldScaleShift, LeavesTheSumOfTwoConvolutions) {
  Model model = ParseModel(R"(g (float[1, 1, 2, 2] x) => (float[1, 1, 2, 2] y) <float[1, 1, 1, 1] w = {2}> {
    c = Conv (x, w)  d = Conv (x, w)  y = Add (c, d) })");
  EXPECT_EQ(RunAndCompare(FoldScaleShift(), model, X({1, 1, 2, 2})), 0);
}

}  // namespace
}  // namespace ns
