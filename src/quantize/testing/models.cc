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

Model SmallEncoder(std::string_view batch) {
  Model model = Model::FromText(fmt::format(R"(
    <ir_version: 8, opset_import: ["" : 17]>
    encoder (float[{},4,8] x) => (float[M,3] logits)
    <float[1] wq = {{0}}, float[1] bq = {{0}}, float[1] wk = {{0}}, float[1] bk = {{0}}, float[1] wv = {{0}}, float[1] bv = {{0}},
     float[1] wo = {{0}}, float[1] bo = {{0}}, float[1] w1 = {{0}}, float[1] b1 = {{0}}, float[1] w2 = {{0}}, float[1] b2 = {{0}},
     float[1] wp = {{0}}, float[1] bp = {{0}}, float[1] wc = {{0}}, float[1] bc = {{0}}, float[1] gamma = {{0}}, float[1] beta = {{0}},
     int64[3] heads = {{4,2,4}}, int64[2] joined = {{4,8}}, int64[1] zero = {{0}}, float root = {{2}}, float root2 = {{1.4142135}}, float one = {{1}},
     float half = {{0.5}}, int64 first = {{0}}>
    {{
      [query] q0 = MatMul (x, wq)  [query_bias] q1 = Add (bq, q0)
      qs = Shape (q1)  qn = Gather (qs, zero)  qh = Concat <axis = 0> (qn, heads)
      q2 = Reshape (q1, qh)  q = Transpose <perm = [0,2,1,3]> (q2)
      [key] k0 = MatMul (x, wk)  [key_bias] k1 = Add (bk, k0)
      ks = Shape (k1)  kn = Gather (ks, zero)  kh = Concat <axis = 0> (kn, heads)
      k2 = Reshape (k1, kh)  k = Transpose <perm = [0,2,3,1]> (k2)
      [value] v0 = MatMul (x, wv)  [value_bias] v1 = Add (bv, v0)
      vs = Shape (v1)  vn = Gather (vs, zero)  vh = Concat <axis = 0> (vn, heads)
      v2 = Reshape (v1, vh)  v = Transpose <perm = [0,2,1,3]> (v2)
      [scores] s0 = MatMul (q, k)  s1 = Div (s0, root)  s = Softmax <axis = -1> (s1)
      [context] c0 = MatMul (s, v)  c1 = Transpose <perm = [0,2,1,3]> (c0)
      cs = Shape (c1)  cn = Gather (cs, zero)  cj = Concat <axis = 0> (cn, joined)  c = Reshape (c1, cj)
      [out] o0 = MatMul (c, wo)         [out_bias] o1 = Add (bo, o0)    o2 = Add (o1, x)  o = LayerNormalization (o2, gamma, beta)
      [up] u0 = MatMul (o, w1)          [up_bias] u = Add (b1, u0)
      g0 = Div (u, root2)  g1 = Erf (g0)  g2 = Add (g1, one)  g3 = Mul (u, g2)  g = Mul (g3, half)
      [down] d0 = MatMul (g, w2)        [down_bias] d1 = Add (b2, d0)   d2 = Add (d1, o)  d = LayerNormalization (d2, gamma, beta)
      t = Gather <axis = 1> (d, first)
      [pooler] p0 = Gemm <transB = 1> (t, wp, bp)  p = Tanh (p0)
      [classifier] logits = Gemm <transB = 1> (p, wc, bc)
    }})", batch)).value();
  unsigned seed = 20;
  for (const char* name : {"q", "k", "v", "o", "p"}) {
    SetRandomWeight(model, std::string("w") + name, {8, 8}, 0.4f, ++seed);
    SetRandomWeight(model, std::string("b") + name, {8}, 0.1f, ++seed);
  }
  SetRandomWeight(model, "w1", {8, 16}, 0.4f, 31);
  SetRandomWeight(model, "b1", {16}, 0.1f, 32);
  SetRandomWeight(model, "w2", {16, 8}, 0.4f, 33);
  SetRandomWeight(model, "b2", {8}, 0.1f, 34);
  SetRandomWeight(model, "wc", {3, 8}, 0.4f, 35);
  SetRandomWeight(model, "bc", {3}, 0.1f, 36);
  SetRandomWeight(model, "gamma", {8}, 1.0f, 37);
  SetRandomWeight(model, "beta", {8}, 0.1f, 38);
  return model;
}

}  // namespace ns
