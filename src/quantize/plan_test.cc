#include "quantize/plan.h"

#include <gtest/gtest.h>

#include "quantize/testing/models.h"

namespace ns {
namespace {

class Planned {
 public:
  explicit Planned(Model model, QuantConfig config = {}) : model_(std::move(model)), index_(model_) {
    plan_ = MakePlan(model_, index_, config);
  }
  const NodePlan& operator[](const std::string& name) const {
    for (int n = 0; n < index_.node_count(); ++n) {
      if (index_.node(n).name() == name) return plan_.nodes[static_cast<size_t>(n)];
    }
    ADD_FAILURE() << "no node " << name;
    return plan_.nodes[0];
  }
  OpMode mode(const std::string& name) const { return (*this)[name].mode; }
  // The value whose range the integers of `value` cover; "" when it stays in float.
  std::string range_of(const std::string& value) const {
    if (auto made = plan_.made.find(value); made != plan_.made.end()) return made->second.value;
    for (const RangeId& id : plan_.ranges) {
      if (id.value == value) return value;
    }
    return "";
  }
  const Plan& plan() const { return plan_; }

 private:
  Model model_;
  GraphIndex index_;
  Plan plan_;
};

TEST(PlanTest, ACnnIsIntegerFromEndToEnd) {
  Planned plan(SmallCnn());
  for (const char* name : {"stem", "relu0", "depthwise", "relu1", "pointwise", "add", "relu2", "pool", "flatten", "fc"}) {
    EXPECT_EQ(plan.mode(name), OpMode::kStatic) << name;
  }
  EXPECT_EQ(plan.range_of("image"), "image");
  EXPECT_EQ(plan.range_of("c0"), "") << "the Relu's output is quantized in its place";
  EXPECT_EQ(plan.range_of("r0"), "r0");
  EXPECT_EQ(plan.range_of("s"), "");
  EXPECT_EQ(plan.range_of("f"), "p") << "Flatten moves elements: same range";
  EXPECT_EQ(plan.range_of("logits"), "") << "Gemm makes floats";
}

// Between integer operators the value is quantized once, and who makes it decides: "stem" with its Relu, not the readers.
TEST(PlanTest, AnEdgeBetweenIntegerOperatorsHasTheRangeOfItsMaker) {
  QuantConfig config;
  config.Edit("stem").calibration = CalibrationMethod::kMse;
  config.Edit("depthwise").calibration = CalibrationMethod::kEntropy;
  config.Edit("fc").calibration = CalibrationMethod::kPercentile;
  Planned planned(SmallCnn(), config);
  const Plan& plan = planned.plan();
  EXPECT_EQ(plan.Read("image", planned["stem"]), (RangeId{"image", CalibrationMethod::kMse}));
  EXPECT_EQ(plan.made.at("r0"), (RangeId{"r0", CalibrationMethod::kMse}));
  EXPECT_EQ(plan.Read("r0", planned["depthwise"]), (RangeId{"r0", CalibrationMethod::kMse}));
  EXPECT_EQ(plan.made.at("r1"), (RangeId{"r1", CalibrationMethod::kEntropy}));
  EXPECT_EQ(plan.Read("f", planned["fc"]), (RangeId{"p", CalibrationMethod::kMinMax})) << "the pool's, through Flatten";
  EXPECT_EQ(plan.ranges.size(), 6u) << "image, r0, r1, c2, r2, p";
}

TEST(PlanTest, AReluAndAClipBehindEachOtherBothDisappear) {
  const char* text = R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[1,1,4,4] x) => (float[1,1,4,4] y)
    <float[1,1,1,1] w = {2}, float none = {0}, float six = {6}>
    { [first] a = Conv (x, w) [relu] b = Relu (a) [clip] c = Clip (b, none, six) [second] y = Conv (c, w) })";
  Planned plan(Model::FromText(text).value());
  EXPECT_EQ(plan.range_of("a"), "");
  EXPECT_EQ(plan.range_of("b"), "");
  EXPECT_EQ(plan.range_of("c"), "c");
  QuantConfig config;
  config.SetMode("first", OpMode::kFloat);
  Planned half(Model::FromText(text).value(), config);
  EXPECT_EQ(half.mode("relu"), OpMode::kFloat);
  EXPECT_EQ(half.mode("clip"), OpMode::kFloat);
  EXPECT_EQ(half.range_of("c"), "c");
}

TEST(PlanTest, AFloatReaderOfTheSumKeepsTheResidualAddInFloat) {
  QuantConfig config;
  config.SetMode("fc", OpMode::kFloat);
  Planned plan(SmallCnn(), config);
  EXPECT_EQ(plan.mode("fc"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("flatten"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("pool"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("add"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("relu2"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("pointwise"), OpMode::kStatic);
  EXPECT_EQ(plan.range_of("c2"), "c2");
}

TEST(PlanTest, AFloatProducerKeepsTheAddInFloatToo) {
  QuantConfig config;
  config.SetMode("pointwise", OpMode::kFloat);
  Planned plan(SmallCnn(), config);
  EXPECT_EQ(plan.mode("add"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("pool"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("fc"), OpMode::kStatic);
  EXPECT_EQ(plan.range_of("f"), "f");
}

TEST(PlanTest, AnAddedVectorIsTheBiasOfTheProductItAloneReads) {
  Planned mlp(SmallMlp());
  EXPECT_EQ(mlp["up"].bias_add, 1);
  EXPECT_EQ(mlp["down"].bias_add, 4);
  Planned plan(Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2,2] x, float[2,2] v) => (float[2,2] k, float[2,2] l, float[2,2] m, float[2,2] n, float[2,2] p)
    <float[2,2] w = {1,2,3,4}, float[2] b = {1,2}, float one = {1}, float[2,1] column = {1,2}> {
      [read_twice] a = MatMul (x, w)   k = Add (a, b)  l = Mul (a, b)
      [scalar] c = MatMul (x, w)       m = Add (c, one)
      [rows] d = MatMul (x, w)         n = Add (d, column)
      [computed] e = MatMul (x, w)     p = Add (e, v)
    })").value());
  for (const char* name : {"read_twice", "scalar", "rows", "computed"}) EXPECT_EQ(plan[name].bias_add, -1) << name;
  QuantConfig dynamic;
  dynamic.defaults.mode = OpMode::kDynamic;
  EXPECT_EQ(Planned(SmallMlp(), dynamic)["up"].bias_add, -1) << "added in float behind the scaling";
}

TEST(PlanTest, AResizeThatAveragesStaysInFloat) {
  for (const auto& [mode, wanted] : {std::pair{"nearest", OpMode::kStatic}, std::pair{"linear", OpMode::kFloat}, std::pair{"cubic", OpMode::kFloat}}) {
    Planned plan(Model::FromText(fmt::format(R"(
      <ir_version: 8, opset_import: ["" : 17]>
      g (float[1,1,4,4] x) => (float[1,1,8,8] y) <float[1,1,1,1] w = {{2}}, float[4] scales = {{1,1,2,2}}> {{
        [first] a = Conv (x, w)  [resize] b = Resize <mode = "{}"> (a, , scales)  [second] y = Conv (b, w) }})", mode)).value());
    EXPECT_EQ(plan.mode("resize"), wanted) << mode;
  }
}

TEST(PlanTest, TheResidualStreamOfATransformerStaysFloat) {
  Planned plan(SmallMlp());
  EXPECT_EQ(plan.mode("up"), OpMode::kStatic);
  EXPECT_EQ(plan.mode("down"), OpMode::kStatic);
  EXPECT_EQ(plan.mode("residual"), OpMode::kFloat);
  EXPECT_EQ(plan.mode("up_bias"), OpMode::kFloat);
  EXPECT_EQ(plan.range_of("x"), "x");
  EXPECT_EQ(plan.range_of("d1"), "");
}

TEST(PlanTest, DynamicTakesMatMulAndLeavesConvolutionsWithTheReason) {
  QuantConfig config;
  config.defaults.mode = OpMode::kDynamic;
  EXPECT_EQ(Planned(SmallMlp(), config).mode("up"), OpMode::kDynamic);
  Planned cnn(SmallCnn(), config);
  EXPECT_EQ(cnn.mode("fc"), OpMode::kDynamic);
  EXPECT_EQ(cnn.mode("stem"), OpMode::kFloat);
  EXPECT_NE(cnn["stem"].why.find("slower than float"), std::string::npos);
}

TEST(PlanTest, AConvolutionReadByAGraphOutputStillRunsOnIntegers) {
  Planned plan(Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[1,1,4,4] x) => (float[1,1,4,4] y)
    <float[1,1,1,1] w = {2}> { [c] y = Conv (x, w) })").value());
  EXPECT_EQ(plan.mode("c"), OpMode::kStatic);
  EXPECT_EQ(plan.range_of("y"), "y");
}

TEST(PlanTest, WeightsThatAreComputedOrOddStayFloatWithTheReason) {
  Planned plan(Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[2,2] x, float[2,2] v) => (float[2,2] y, float[2,2] z)
    <float[2,2] w = {1,2,3,4}> {
      [alpha] y = Gemm <alpha = 0.5> (x, w)
      [product] z = MatMul (x, v)
    })").value());
  EXPECT_EQ(plan.mode("alpha"), OpMode::kFloat);
  EXPECT_EQ(plan["alpha"].why, "its alpha or beta is not 1");
  EXPECT_EQ(plan.mode("product"), OpMode::kFloat);
  EXPECT_NE(plan["product"].why.find("two computed tensors"), std::string::npos);
}

TEST(PlanTest, OnlyLargeTablesAreEmbeddings) {
  auto embedding = [](int64_t rows) {
    Model model = Model::FromText(R"(
      <ir_version: 8, opset_import: ["" : 17]>
      g (int64[N] ids) => (float[N,16] y) <float[1] table = {0}> { [lookup] y = Gather (table, ids) })").value();
    SetRandomWeight(model, "table", {rows, 16}, 1.0f, 1);
    return Planned(std::move(model)).mode("lookup");
  };
  EXPECT_EQ(embedding(1024), OpMode::kWeightOnly);  // 16 * 1024 values
  EXPECT_EQ(embedding(1023), OpMode::kFloat);
}

// onnx's checker lets them through, ONNX Runtime does not.
TEST(PlanTest, AWeightOfAWrongRankIsLeftToTheRuntime) {
  Planned plan(Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[1,8,8] x) => (float[1,8,8] y) <float none = {1}, float[4] one = {1, 2, 3, 4}>
    { [scalar] a = Conv (x, none)  [vector] b = Conv (a, one)  [gemm] c = Gemm (b, one)  [transposed] d = Gemm <transB = 1> (c, one)
      [scalar_gemm] y = Gemm (d, none) })").value());
  for (const char* name : {"scalar", "vector"}) EXPECT_EQ(plan[name].why, "its weight has fewer than three axes");
  for (const char* name : {"gemm", "transposed", "scalar_gemm"}) EXPECT_EQ(plan[name].why, "its weight is not a matrix");
}

}  // namespace
}  // namespace ns
