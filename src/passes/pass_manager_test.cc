#include "passes/pass_manager.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "graph/text.h"
#include "passes/testing/same_numbers.h"
#include "runtime/ort_evaluator.h"

namespace ns {
namespace {

using ::testing::HasSubstr;

class BreakModel final : public Pass {
 public:
  std::string_view name() const override { return "break-model"; }
  Result<int> Run(Model& model, const PassContext&) override {
    model.mutable_graph().mutable_node(0)->set_input(0, "nowhere");
    return 1;
  }
};

TEST(RunPasses, ReportsEachAndSwitchesOffByName) {
  Model model = ParseModel("g (float[2] x) => (float[2] y) { a = Identity(x)  y = Relu(a)  z = Neg(y) }");
  PassManagerOptions options;
  options.switched_off = {"remove-dead"};
  auto reports = RunPasses(PreparationPasses(), model, {}, options).value();
  ASSERT_GE(reports.size(), 6u);
  EXPECT_EQ(reports[0].name, "remove-identities");
  EXPECT_EQ(reports[0].changes, 1);
  auto dead = std::find_if(reports.begin(), reports.end(), [](const PassReport& report) { return report.name == "remove-dead"; });
  EXPECT_TRUE(dead->switched_off);
  EXPECT_EQ(NodesToText(model.graph()), "y = Relu (x)\nz = Neg (y)\n");
  options.switched_off = {"remove-ded"};
  EXPECT_EQ(RunPasses(PreparationPasses(), model, {}, options).status().reason(), "UNKNOWN_PASS");
}

TEST(RunPasses, NamesThePassThatBreaksTheModelAndDumpsIt) {
  Model model = ParseModel("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  TempDir folder = TempDir::Create("ns-passes-").value();
  std::vector<std::unique_ptr<Pass>> passes;
  passes.push_back(std::make_unique<BreakModel>());
  PassManagerOptions options;
  options.dump_folder = folder.path();
  Status status = RunPasses(passes, model, {}, options).status();
  EXPECT_EQ(status.reason(), "PASS_BROKE_MODEL");
  EXPECT_THAT(status.message(), HasSubstr("break-model"));
  EXPECT_THAT(ReadFile(folder.path() / "01-break-model.txt").value(), HasSubstr("nowhere"));
}

TEST(PreparationPasses, TurnAnExportedBlockIntoPlainConvolutions) {
  for (int opset : {11, 13, 17, 18, 21}) {
    Model model = ParseModel(R"(g (float[1, 2, 4, 4] x) => (float[1, 12] y)
      <float[1] w = {0}, float[3] one = {1, 2, 3}, int64[1] at = {0}, int64[1] rest = {-1}> {
      c = Conv (x, w)  n = BatchNormalization (c, one, one, one, one)  r = Relu(n)  i = Identity(r)
      s = Shape(i)  f = Gather(s, at)  to = Concat <axis = 0> (f, rest)  flat = Reshape(i, to)
      y = Softmax <axis = 1> (flat) })", opset);
    model.SetWeight("w", Wave({3, 2, 3, 3}));
    std::vector<Tensor> before = Results(model, X({1, 2, 4, 4}));
    OrtEvaluator evaluator;
    PassContext context;
    context.evaluator = &evaluator;
    ASSERT_TRUE(RunPasses(PreparationPasses(), model, context).ok());
    EXPECT_EQ(NodesToText(model.graph()),
              "n = Conv (x, w_folded, w_bias_folded)\nr = Relu (n)\nflat = Reshape (r, to)\ny = Softmax (flat)\n") << opset;
    EXPECT_EQ(model.WeightNames().size(), 3u);
    std::vector<Tensor> after = Results(model, X({1, 2, 4, 4}));
    for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(before[0].values<float>()[i], after[0].values<float>()[i], 1e-6f);
  }
}

}  // namespace
}  // namespace ns
