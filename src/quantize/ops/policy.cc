#include "quantize/ops/policy.h"

#include <array>
#include <functional>

#include "graph/attributes.h"

namespace ns {

namespace {

// Tables smaller than this are not worth the extra node that unpacks what was looked up.
constexpr int64_t kSmallestTable = 16 * 1024;

// Products of fewer inputs fill no block of 4-bit weights.
constexpr int64_t kLeastInputs = 32;

struct Context {
  const ns_onnx::NodeProto& node;
  const Model& model;
  const GraphIndex& index;

  // The spec of input `position` when it is a float32 weight.
  std::optional<TensorSpec> FloatWeight(int position) const {
    if (position >= node.input_size() || !model.HasWeight(node.input(position))) return std::nullopt;
    auto spec = model.WeightSpec(node.input(position));
    if (!spec.ok() || spec->dtype != DType::kFloat) return std::nullopt;
    return *spec;
  }
  bool IsComputed(int position) const {
    return position < node.input_size() && !node.input(position).empty() && !model.HasWeight(node.input(position));
  }
  bool HasInput(int position) const { return position < node.input_size() && !node.input(position).empty(); }
};

OpTraits Never(std::string why) {
  OpTraits traits;
  traits.why_not = std::move(why);
  return traits;
}

// A bias at `position` may be absent or a float vector of the weight's channels.
bool TakeBias(const Context& context, int position, int64_t channels, OpTraits* traits) {
  if (!context.HasInput(position)) return true;
  auto bias = context.FloatWeight(position);
  if (!bias || bias->shape.size() != 1 || bias->shape[0] != channels) return false;
  traits->bias = position;
  return true;
}

OpTraits Conv(const Context& context) {
  auto weight = context.FloatWeight(1);
  if (!weight) return Never("its weight is not a float32 constant");
  // The checker of models knows no ranks.
  if (weight->shape.size() < 3) return Never("its weight has fewer than three axes");
  if (!context.IsComputed(0)) return Never("its input is a constant");
  OpTraits traits;
  if (!TakeBias(context, 2, weight->shape[0], &traits)) return Never("its bias is not a constant vector");
  traits.role = OpRole::kConvolution;
  traits.activations = {0};
  traits.weight = 1;
  traits.channel_axis = 0;
  traits.can_static = true;
  traits.why_not = "ONNX Runtime's convolution with ranges taken at run time is slower than float";
  return traits;
}

OpTraits MatMul(const Context& context) {
  OpTraits traits;
  traits.role = OpRole::kMatMul;
  if (context.IsComputed(0) && context.IsComputed(1)) {
    traits.activations = {0, 1};
    traits.two_activations = true;
    traits.can_static = true;
    traits.why_not = "a product of two computed tensors has no weight to quantize ahead";
    return traits;
  }
  auto weight = context.FloatWeight(1);
  if (!weight || !context.IsComputed(0)) return Never("its second input is not a float32 constant");
  if (weight->shape.size() != 2) return Never("its weight is not a matrix");
  traits.activations = {0};
  traits.weight = 1;
  traits.channel_axis = 1;
  traits.can_static = traits.can_dynamic = traits.can_weight_only = true;
  traits.can_weight_only_int4 = weight->shape[0] >= kLeastInputs;
  return traits;
}

OpTraits Gemm(const Context& context) {
  auto weight = context.FloatWeight(1);
  if (!weight || !context.IsComputed(0)) return Never("its weight is not a float32 constant");
  if (weight->shape.size() != 2) return Never("its weight is not a matrix");
  if (IntAttribute(context.node, "transA", 0) != 0) return Never("its input is transposed");
  if (FloatAttribute(context.node, "alpha", 1) != 1 || FloatAttribute(context.node, "beta", 1) != 1) {
    return Never("its alpha or beta is not 1");
  }
  OpTraits traits;
  int axis = IntAttribute(context.node, "transB", 0) != 0 ? 0 : 1;
  if (!TakeBias(context, 2, weight->shape[static_cast<size_t>(axis)], &traits)) return Never("its bias is not a constant vector");
  traits.role = OpRole::kMatMul;
  traits.activations = {0};
  traits.weight = 1;
  traits.channel_axis = axis;
  traits.can_static = traits.can_dynamic = true;
  traits.can_weight_only_int4 = weight->shape[static_cast<size_t>(1 - axis)] >= kLeastInputs;
  return traits;
}

OpTraits FirstInput(const Context& context, OpRole role) {
  OpTraits traits;
  if (!context.IsComputed(0)) return traits;
  traits.role = role;
  traits.activations = {0};
  traits.can_static = true;
  return traits;
}

OpTraits PassThrough(const Context& context) { return FirstInput(context, OpRole::kPassThrough); }

OpTraits Gather(const Context& context) {
  auto table = context.FloatWeight(0);
  OpTraits traits;
  if (table && context.IsComputed(1) && table->shape.size() == 2 && IntAttribute(context.node, "axis", 0) == 0 &&
      ElementCount(table->shape) >= kSmallestTable) {
    traits.role = OpRole::kEmbedding;
    traits.weight = 0;
    traits.channel_axis = 1;
    return traits;
  }
  return PassThrough(context);
}

OpTraits Elementwise(const Context& context) {
  OpTraits traits;
  for (int i = 0; i < context.node.input_size(); ++i) {
    if (!context.IsComputed(i)) return traits;  // with a constant: cheap in float, and QLinear kernels want two tensors
    traits.activations.push_back(i);
  }
  traits.role = OpRole::kElementwise;
  traits.can_static = true;
  return traits;
}

OpTraits Unary(const Context& context) { return FirstInput(context, OpRole::kElementwise); }

OpTraits Activation(const Context& context) {
  for (int i = 1; i < context.node.input_size(); ++i) {
    if (context.IsComputed(i)) return {};  // Clip with computed bounds
  }
  return FirstInput(context, OpRole::kActivation);
}

// Nearest picks elements. What averages them ONNX Runtime runs in float (1.27; 1.22 took integers), so nothing is won by integers around it.
OpTraits Resize(const Context& context) {
  if (StringAttribute(context.node, "mode", "nearest") != "nearest") return {};
  return PassThrough(context);
}

OpTraits MaxPool(const Context& context) {
  if (context.node.output_size() > 1 && !context.node.output(1).empty()) return {};  // wants the indices too
  return PassThrough(context);
}

using Rule = std::function<OpTraits(const Context&)>;

const std::pair<std::string_view, Rule> kRules[] = {
    {"Conv", Conv},
    {"MatMul", MatMul},
    {"Gemm", Gemm},
    {"Gather", Gather},
    {"Add", Elementwise},
    {"Mul", Elementwise},
    {"Concat", Elementwise},
    {"AveragePool", Unary},
    {"GlobalAveragePool", Unary},
    {"LeakyRelu", Unary},
    {"Sigmoid", Unary},
    {"Relu", Activation},
    {"Clip", Activation},
    {"MaxPool", MaxPool},
    {"Resize", Resize},
    {"Reshape", PassThrough},
    {"Slice", PassThrough},
    {"DepthToSpace", PassThrough},
    {"Tile", PassThrough},
    {"Flatten", PassThrough},
    {"Transpose", PassThrough},
    {"Squeeze", PassThrough},
    {"Unsqueeze", PassThrough},
    {"ConvTranspose", [](const Context&) { return Never("ONNX Runtime has no integer kernel for it"); }},
    {"LSTM", [](const Context&) { return Never("recurrent operators are not quantized"); }},
    {"GRU", [](const Context&) { return Never("recurrent operators are not quantized"); }},
    {"RNN", [](const Context&) { return Never("recurrent operators are not quantized"); }},
};

}  // namespace

OpTraits TraitsOf(const ns_onnx::NodeProto& node, const Model& model, const GraphIndex& index) {
  if (!node.domain().empty() && node.domain() != "ai.onnx") return {};
  for (const auto& [type, rule] : kRules) {
    if (type == node.op_type()) return rule({node, model, index});
  }
  return {};
}

}  // namespace ns
