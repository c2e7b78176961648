#include "runtime/blocked_taps.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "graph/graph_index.h"
#include "runtime/session.h"
#include "runtime/tapped_session.h"

namespace ns {
namespace {

// Values that repeat after 251 elements: no two neighbours alike.
Tensor Wave(Shape shape, float scale = 0.01f) {
  Tensor tensor(DType::kFloat, std::move(shape));
  auto values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i * 97 % 251) - 125) * scale;
  return tensor;
}

// 16 and 32 channels fill whole blocks, 20 don't; a residual Add, a depthwise convolution, a convolution used twice, pools, a Gemm.
Model Images() {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 3, 12, 12] x) => (float[N, 5] y)
    <float[1] w1 = {0}, float[1] w2 = {0}, float[1] w3 = {0}, float[1] wd = {0}, float[1] w20 = {0}, float[1] wg = {0},
     float[1] b1 = {0}, float[1] b3 = {0}, float zero = {0}, float six = {6}> {
      c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
      r1 = Relu (c1)
      c2 = Conv (r1, w2)
      s = Add (c2, r1)
      r2 = Relu (s)
      p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r2)
      c3 = Conv <pads = [1, 1, 1, 1]> (p, w3, b3)
      k3 = Clip (c3, zero, six)
      cd = Conv <group = 32, pads = [1, 1, 1, 1]> (k3, wd)
      again = Conv <group = 32, pads = [1, 1, 1, 1]> (cd, wd)
      c20 = Conv (again, w20)
      a = GlobalAveragePool (c20)
      f = Flatten (a)
      y = Gemm (f, wg)
    })").value();
  std::map<std::string, Shape> shapes = {{"w1", {16, 3, 3, 3}}, {"w2", {16, 16, 1, 1}}, {"w3", {32, 16, 3, 3}}, {"wd", {32, 1, 3, 3}},
                                         {"w20", {20, 32, 1, 1}}, {"wg", {20, 5}}, {"b1", {16}}, {"b3", {32}}};
  for (const auto& [name, shape] : shapes) model.SetWeight(name, Wave(shape));
  return model;
}

const std::vector<std::string> kImages = {"c1", "r1", "c2", "r2", "p", "c3", "k3", "cd", "again", "c20", "a"};
const std::vector<std::string> kAll = {"c1", "r1", "c2", "r2", "p", "c3", "k3", "cd", "again", "c20", "a", "f", "y"};

std::vector<float> Sorted(std::span<const float> values) {
  std::vector<float> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// What each value holds, in order of size: by a tap, and as an output of an ordinary session with the same values shown.
std::vector<std::vector<float>> ByTaps(const Model& model, const std::vector<std::string>& values, const NamedTensors& inputs, int threads) {
  TappedSession session = TappedSession::Create(model, values, threads).value();
  std::vector<std::vector<float>> seen(values.size());
  auto tap = [&](size_t value, const TensorView& tensor) {
    EXPECT_TRUE(seen[value].empty()) << values[value];
    seen[value] = Sorted(tensor.values<float>());
    return OkStatus();
  };
  EXPECT_TRUE(session.Run(inputs, tap).ok());
  return seen;
}

std::vector<std::vector<float>> AsOutputs(const Model& model, const std::vector<std::string>& values, const NamedTensors& inputs) {
  Model shown = model.Clone();
  shown.mutable_graph().clear_output();
  for (const std::string& value : values) {
    auto* output = shown.mutable_graph().add_output();
    output->set_name(value);
    output->mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int32_t>(DType::kFloat));
  }
  auto outputs = Session::FromModel(shown).value().Run(inputs, values).value();
  std::vector<std::vector<float>> held;
  for (const Tensor& output : outputs) held.push_back(Sorted(output.values<float>()));
  return held;
}

TEST(BlockedTaps, ShowTheVeryNumbersThatTheModelComputes) {
  NamedTensors inputs = {{"x", Wave({2, 3, 12, 12}, 0.02f)}};
  auto expected = AsOutputs(Images(), kAll, inputs);
  for (int threads : {1, 3}) EXPECT_EQ(ByTaps(Images(), kAll, inputs, threads), expected) << threads;
}

TEST(BlockedTaps, RowsStayOnTheFirstAxis) {
  NamedTensors both = {{"x", Wave({2, 3, 12, 12}, 0.02f)}}, first = {{"x", Tensor(DType::kFloat, {1, 3, 12, 12})}};
  std::copy_n(both.at("x").values<float>().begin(), 3 * 144, first.at("x").mutable_values<float>().begin());
  TappedSession session = TappedSession::Create(Images(), {"c3"}).value();
  std::vector<std::vector<float>> seen;
  auto tap = [&](size_t, const TensorView& tensor) {
    EXPECT_EQ(tensor.shape[1] * tensor.shape[2] * tensor.shape[3], 32 * 6 * 6);
    seen.push_back(Sorted(tensor.values<float>().subspan(0, 32 * 6 * 6)));
    return OkStatus();
  };
  ASSERT_TRUE(session.Run(both, tap).ok());
  ASSERT_TRUE(session.Run(first, tap).ok());
  EXPECT_EQ(seen.at(0), seen.at(1));
}

// On processors where ONNX Runtime has no such layout everything is plain, and nothing is to be seen here.
#if defined(__x86_64__)
TEST(BlockedTaps, ReadWholeBlocksInTheirLayoutAndOthersInPlain) {
  BlockedModel blocked = BlockedLayout(Images(), kImages, 2).value();
  GraphIndex index(blocked.model);
  auto maker = [&](size_t value) { return index.ProducerNode(blocked.values[value]); };
  EXPECT_EQ(maker(2)->domain(), "com.microsoft.nchwc");
  EXPECT_EQ(maker(2)->op_type(), "Conv");
  EXPECT_EQ(maker(9)->op_type(), "ReorderOutput");  // 20 channels
  for (const auto& node : blocked.model.graph().node()) EXPECT_NE(node.op_type(), "GlobalMaxPool");
}
#endif

TEST(BlockedTaps, HaveNothingToGainWithoutConvolutions) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 2] x) => (float[N, 2] y) { a = Neg (x)  y = Abs (a) })").value();
  EXPECT_EQ(BlockedLayout(model, {"a", "y"}, 1).status().reason(), "NOTHING_BLOCKED");
}

// ONNX Runtime multiplies the constant into the weights, whose numbers then say nothing: the taps read plain layout.
TEST(BlockedTaps, FallBackWhereWeightsAreChanged) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 3, 8, 8] x) => (float[N, 16, 6, 6] y) <float[1] w = {0}, float[1] half = {0}> { c = Conv (x, w)  y = Mul (c, half) })").value();
  model.SetWeight("w", Wave({16, 3, 3, 3}));
  model.SetWeight("half", Wave({16, 1, 1}, 0.5f));
  NamedTensors inputs = {{"x", Wave({1, 3, 8, 8}, 0.02f)}};
  EXPECT_EQ(BlockedLayout(model, {"y"}, 1).status().reason(), "LAYOUT_UNKNOWN");
  EXPECT_EQ(ByTaps(model, {"y"}, inputs, 1), AsOutputs(model, {"y"}, inputs));
}

}  // namespace
}  // namespace ns
