#include "quantize/testing/models.h"

#include <random>

namespace ns {

void SetRandomWeight(Model& model, std::string_view name, Shape shape, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  Tensor tensor(DType::kFloat, std::move(shape));
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  model.SetWeight(name, std::move(tensor));
}

Model SmallCnn() {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    cnn (float[N,3,8,8] image) => (float[N,5] logits)
    <float[1] w0 = {0}, float[1] b0 = {0}, float[1] w1 = {0}, float[1] w2 = {0}, float[1] b2 = {0}, float[1] wf = {0}, float[1] bf = {0}>
    {
      [stem] c0 = Conv <pads = [1,1,1,1]> (image, w0, b0)
      [relu0] r0 = Relu (c0)
      [depthwise] c1 = Conv <pads = [1,1,1,1], group = 16> (r0, w1)
      [relu1] r1 = Relu (c1)
      [pointwise] c2 = Conv (r1, w2, b2)
      [add] s = Add (c2, r0)
      [relu2] r2 = Relu (s)
      [pool] p = GlobalAveragePool (r2)
      [flatten] f = Flatten (p)
      [fc] logits = Gemm <transB = 1> (f, wf, bf)
    })").value();
  SetRandomWeight(model, "w0", {16, 3, 3, 3}, 0.3f, 1);
  SetRandomWeight(model, "b0", {16}, 0.1f, 2);
  SetRandomWeight(model, "w1", {16, 1, 3, 3}, 0.3f, 3);
  SetRandomWeight(model, "w2", {16, 16, 1, 1}, 0.3f, 4);
  SetRandomWeight(model, "b2", {16}, 0.1f, 5);
  SetRandomWeight(model, "wf", {5, 16}, 0.5f, 6);
  SetRandomWeight(model, "bf", {5}, 0.1f, 7);
  return model;
}

Model SmallMlp() {
  Model model = Model::FromText(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    mlp (float[N,4,8] x) => (float[N,4,8] y)
    <float[1] w1 = {0}, float[1] b1 = {0}, float[1] w2 = {0}, float[1] b2 = {0}>
    {
      [up] h0 = MatMul (x, w1)
      [up_bias] h1 = Add (h0, b1)
      [tanh] h2 = Tanh (h1)
      [down] d0 = MatMul (h2, w2)
      [down_bias] d1 = Add (d0, b2)
      [residual] y = Add (d1, x)
    })").value();
  SetRandomWeight(model, "w1", {8, 16}, 0.4f, 11);
  SetRandomWeight(model, "b1", {16}, 0.1f, 12);
  SetRandomWeight(model, "w2", {16, 8}, 0.4f, 13);
  SetRandomWeight(model, "b2", {8}, 0.1f, 14);
  return model;
}

}  // namespace ns
