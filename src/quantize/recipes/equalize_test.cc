#include "quantize/recipes/equalize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "quantize/testing/bench.h"
#include "quantize/testing/models.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

constexpr size_t kChannels = 8;

QuantConfig Equalized(bool per_channel = true) {
  QuantConfig config;
  config.equalize = true;
  config.defaults.per_channel = per_channel;
  return config;
}

// Multiplies `name` along `axis` by 2^-6 ... 2^6, or divides.
void Spread(Model& model, const std::string& name, size_t axis, bool divide) {
  Tensor weight = model.Weight(name).value(), spread(DType::kFloat, weight.shape());
  size_t inner = 1;
  for (size_t i = axis + 1; i < weight.shape().size(); ++i) inner *= static_cast<size_t>(weight.shape()[i]);
  for (size_t i = 0; i < weight.values<float>().size(); ++i) {
    int exponent = static_cast<int>(i / inner % kChannels * 5 % 13) - 6;
    spread.mutable_values<float>()[i] = std::ldexp(weight.values<float>()[i], divide ? -exponent : exponent);
  }
  model.SetWeight(name, spread);
}

// stem, depthwise, pointwise with `between` behind the first two.
Model Chain(const std::string& between, bool spread) {
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,3,8,8] x) => (float[N,4,8,8] y)
    <float[1] w0 = {{0}}, float[1] b0 = {{0}}, float[1] w1 = {{0}}, float[1] b1 = {{0}}, float[1] w2 = {{0}}, float none = {{0}}, float six = {{6}}>
    {{ [stem] a = Conv <pads = [1,1,1,1]> (x, w0, b0)  [first] r = {}
       [depthwise] c = Conv <pads = [1,1,1,1], group = 8> (r, w1, b1)  [second] s = {}
       [pointwise] y = Conv (s, w2) }})", fmt::format(fmt::runtime(between), "a"), fmt::format(fmt::runtime(between), "c"))).value();
  SetRandomWeight(model, "w0", {8, 3, 3, 3}, 0.3f, 1);
  SetRandomWeight(model, "b0", {8}, 0.1f, 2);
  SetRandomWeight(model, "w1", {8, 1, 3, 3}, 0.3f, 3);
  SetRandomWeight(model, "b1", {8}, 0.1f, 4);
  SetRandomWeight(model, "w2", {4, 8, 1, 1}, 0.3f, 5);
  if (!spread) return model;
  for (const char* name : {"w0", "b0"}) Spread(model, name, 0, false);
  Spread(model, "w1", 0, true);
  for (const char* name : {"w1", "b1"}) Spread(model, name, 0, false);
  Spread(model, "w2", 1, true);
  return model;
}

RewrittenModel Rewritten(const Model& model, int pairs) {
  RewrittenModel rewritten{model.Clone(), {}, {}};
  EXPECT_EQ(EqualizeLayers(&rewritten).value(), pairs);
  EXPECT_TRUE(rewritten.model.Verify().ok());
  return rewritten;
}

// r1 = 8, 1 and r2 = 2, 4: both have sqrt(16) = 4 and sqrt(4) = 2 afterwards, so the first channel is divided by 2 and the second by 0.5.
TEST(EqualizeTest, BothLayersHaveTheGeometricMeanAfterwards) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,2] y) <float[2,2] w1 = {8, -1, 3, 0.5}, float[2] b = {2, 4}, float[2,2] w2 = {2, 1, -4, 3}>
    { [first] a = MatMul (x, w1)  c = Add (a, b)  r = Relu (c)  [second] y = Gemm (r, w2) })").value();
  RewrittenModel rewritten = Rewritten(model, 1);
  auto values = [&](const char* name) { return rewritten.model.Weight(name).value(); };
  EXPECT_THAT(values("w1_rescaled").values<float>(), ElementsAre(FloatNear(4, 1e-5f), FloatNear(-2, 1e-5f), FloatNear(1.5f, 1e-5f), FloatNear(1, 1e-5f)));
  EXPECT_THAT(values("w2_rescaled").values<float>(), ElementsAre(FloatNear(4, 1e-5f), FloatNear(2, 1e-5f), FloatNear(-2, 1e-5f), FloatNear(1.5f, 1e-5f)));
  EXPECT_THAT(values("b_rescaled").values<float>(), ElementsAre(FloatNear(1, 1e-5f), FloatNear(8, 1e-5f)));
  EXPECT_THAT(rewritten.rescaled.at("r").factors, ElementsAre(FloatNear(0.5f, 1e-6f), FloatNear(2, 1e-6f)));
}

TEST(EqualizeTest, ADepthwiseChainComputesTheSameInFloat) {
  Model model = Chain("Relu ({})", true);
  RewrittenModel rewritten = Rewritten(model, 2);
  auto data = RandomRows(model, {4, 3, 8, 8});
  EXPECT_GT(SqnrDb(RunModel(model, *data), RunModel(rewritten.model, *data)), 100.0);
  EXPECT_EQ(rewritten.model.graph().node_size(), model.graph().node_size());
}

// The cure: channels between the layers that differ by up to 2^12.
TEST(EqualizeTest, CuresChannelsThatDifferTooMuchForOneScale) {
  for (const char* between : {"Relu ({})", "Clip ({}, none)", "LeakyRelu <alpha = 0.1> ({})"}) {
    SCOPED_TRACE(between);
    Bench bench(Chain(between, true), {16, 3, 8, 8});
    QuantConfig plain;
    EXPECT_LT(bench.Sqnr(plain), 20.0);
    EXPECT_GT(bench.Sqnr(Equalized()), 25.0);
    plain.defaults.per_channel = false;
    EXPECT_LT(bench.Sqnr(plain), 10.0);
    EXPECT_GT(bench.Sqnr(Equalized(false)), 20.0);
  }
}

TEST(EqualizeTest, PoolsBetweenComputeTheSameInFloatAndAreCuredToo) {
  for (const char* between : {"MaxPool <kernel_shape = [3,3], pads = [1,1,1,1]> ({})", "AveragePool <kernel_shape = [3,3], pads = [1,1,1,1]> ({})"}) {
    SCOPED_TRACE(between);
    Model model = Chain(between, true);
    auto data = RandomRows(model, {4, 3, 8, 8});
    EXPECT_GT(SqnrDb(RunModel(model, *data), RunModel(Rewritten(model, 2).model, *data)), 100.0);
    Bench bench(std::move(model), {16, 3, 8, 8});
    EXPECT_GT(bench.Sqnr(Equalized(false)), bench.Sqnr(QuantConfig()) + 5);
  }
}

TEST(EqualizeTest, APoolOfTheWholePictureComputesTheSameInFloat) {
  for (const char* pool : {"GlobalAveragePool", "GlobalMaxPool"}) {
    Model model = Model::FromText(fmt::format(R"(
      <ir_version: 8, opset_import: ["" : 17]>
      g (float[N,3,8,8] x) => (float[N,4,1,1] y) <float[1] w0 = {{0}}, float[1] w1 = {{0}}>
      {{ [stem] a = Conv (x, w0)  r = Relu (a)  p = {} (r)  [head] y = Conv (p, w1) }})", pool)).value();
    SetRandomWeight(model, "w0", {8, 3, 1, 1}, 0.3f, 1);
    SetRandomWeight(model, "w1", {4, 8, 1, 1}, 0.3f, 2);
    auto data = RandomRows(model, {4, 3, 8, 8});
    EXPECT_GT(SqnrDb(RunModel(model, *data), RunModel(Rewritten(model, 1).model, *data)), 100.0) << pool;
  }
}

TEST(EqualizeTest, LeavesAloneWhatIsNotHomogeneousOrReadTwice) {
  Rewritten(Chain("Clip ({}, none, six)", true), 0);  // ReLU6
  Rewritten(Chain("Sigmoid ({})", true), 0);
  // The second convolution's value goes to the output too.
  Model shown = Chain("Relu ({})", true);
  shown.mutable_graph().add_output()->set_name("s");
  shown.mutable_graph().mutable_output(1)->mutable_type()->mutable_tensor_type()->set_elem_type(1);
  for (int axis = 0; axis < 4; ++axis) shown.mutable_graph().mutable_output(1)->mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim();
  Rewritten(shown, 1);
}

TEST(EqualizeTest, IsRepeatedByItsFacts) {
  Bench bench(Chain("Relu ({})", true), {8, 3, 8, 8});
  Quantizer replay = Quantizer::Create(bench.model.Clone()).value();
  replay.UseFacts(Equalized(), bench.quantizer.Facts(Equalized()).value());
  EXPECT_EQ(replay.Quantize(Equalized()).value().model.proto().SerializeAsString(),
            bench.quantizer.Quantize(Equalized()).value().model.proto().SerializeAsString());
}

// Factors of 1 / 100 at most: else the bias of 0.5 would be 1e5 times as large and make all other channels' integers 0.
TEST(EqualizeTest, AChannelThatTrainingSwitchedOffKeepsAModestBias) {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2] x) => (float[N,2] y) <float[2,2] w1 = {1, 1e-10, 1, 1e-10}, float[2] b = {0.5, 0.5}, float[2,2] w2 = {1, 1, 1, 1}>
    { [first] a = Gemm (x, w1, b)  r = Relu (a)  [second] y = Gemm (r, w2) })").value();
  RewrittenModel rewritten = Rewritten(model, 1);
  EXPECT_THAT(rewritten.model.Weight("b_rescaled").value().values<float>(), ElementsAre(FloatNear(0.5f, 1e-5f), FloatNear(50, 1e-3f)));
  EXPECT_THAT(rewritten.model.Weight("w2_rescaled").value().values<float>(),
              ElementsAre(FloatNear(1, 1e-5f), FloatNear(1, 1e-5f), FloatNear(0.01f, 1e-6f), FloatNear(0.01f, 1e-6f)));
}

TEST(EqualizeTest, AChannelThatNobodyReadsStays) {
  Model model = Chain("Relu ({})", false);
  Tensor weight(DType::kFloat, {4, 8, 1, 1});
  for (size_t i = 0; i < 32; ++i) weight.mutable_values<float>()[i] = i % 8 == 2 ? 0.0f : 0.1f * static_cast<float>(i);
  model.SetWeight("w2", weight);
  RewrittenModel rewritten = Rewritten(model, 2);
  for (float factor : rewritten.rescaled.at("s").factors) EXPECT_TRUE(std::isfinite(factor) && factor > 0);
}

}  // namespace
}  // namespace ns
