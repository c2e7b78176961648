// NetBuilder::Activation: the functions that transformers' ACT2FN names.
#include <cmath>
#include <numbers>

#include "huggingface/architectures/net_builder.h"

namespace ns {

namespace {

// x·(1 + erf(x/√2))·½, the steps in the order that ONNX Runtime fuses into Gelu.
Value Gelu(NetBuilder& net, const Value& x) {
  Value scaled = net.Op("Div", {x, net.Number(std::numbers::sqrt2_v<float>)});
  Value risen = net.Op("Add", {net.Op("Erf", {scaled}), net.Number(1)});
  return net.Op("Mul", {net.Op("Mul", {x, risen}), net.Number(0.5f)});
}

// ½x·(1 + tanh(√(2/π)·(x + 0.044715x³))), the steps in the order that ONNX Runtime fuses into FastGelu.
Value TanhGelu(NetBuilder& net, const Value& x) {
  Value cube = net.Op("Mul", {net.Op("Pow", {x, net.Number(3)}), net.Number(0.044715f)});
  auto root = static_cast<float>(std::sqrt(2 * std::numbers::inv_pi));
  Value curve = net.Op("Tanh", {net.Op("Mul", {net.Op("Add", {x, cube}), net.Number(root)})});
  Value risen = net.Op("Add", {curve, net.Number(1)});
  return net.Op("Mul", {net.Op("Mul", {x, net.Number(0.5f)}), risen});
}

Value Sigmoid(NetBuilder& net, const Value& x, float slope) {
  Value scaled = slope == 1 ? x : net.Op("Mul", {x, net.Number(slope)});
  return net.Op("Mul", {x, net.Op("Sigmoid", {scaled})});
}

}  // namespace

Value NetBuilder::Activation(const Value& x, const std::string& name) {
  if (name == "gelu" || name == "gelu_python") return Gelu(*this, x);
  // Four spellings of one function.
  if (name == "gelu_new" || name == "gelu_fast" || name == "gelu_pytorch_tanh" || name == "gelu_accurate") {
    return TanhGelu(*this, x);
  }
  if (name == "relu") return Op("Relu", {x});
  if (name == "tanh") return Op("Tanh", {x});
  if (name == "sigmoid") return Op("Sigmoid", {x});
  if (name == "silu" || name == "swish") return Sigmoid(*this, x, 1);
  if (name == "quick_gelu") return Sigmoid(*this, x, 1.702f);
  if (name == "linear") return x;
  Fail(InvalidArgument(fmt::format("config.json: activation '{}' is not one of gelu, gelu_new, gelu_fast, "
                                   "gelu_pytorch_tanh, quick_gelu, relu, silu, tanh, sigmoid, linear",
                                   name),
                       "UNSUPPORTED_CONFIG"));
  return "";
}

}  // namespace ns
