#include "quantize/testing/hard_cases.h"

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "graph/shapes.h"
#include "quantize/prepare.h"
#include "quantize/recipes/channel_scale.h"

namespace ns {

namespace {

using ns_onnx::NodeProto;

std::string NewVector(Model& model, const std::string& base, Shape shape, const std::vector<float>& values) {
  std::string name = model.UniqueName(base);
  model.SetWeight(name, Tensor::From<float>(std::move(shape), std::span<const float>(values)));
  return name;
}

bool IsType(const NodeProto& node, std::string_view type) { return node.domain().empty() && node.op_type() == type; }

// Positions of the nodes that read `value`, when all are products with a weight or residual Adds and there is a product; else empty.
std::vector<ValueUse> ProductsAndSums(const Model& model, const GraphIndex& index, const std::string& value) {
  bool product = false;
  std::vector<ValueUse> uses;
  for (const ValueUse& use : index.Uses(value)) {
    const NodeProto& node = index.node(use.node);
    bool multiplies = IsType(node, "MatMul") && use.input == 0 && model.HasWeight(node.input(1));
    if (!multiplies && !IsType(node, "Add")) return {};
    product = product || multiplies;
    uses.push_back(use);
  }
  return product ? uses : std::vector<ValueUse>();
}

// One pair of convolutions with only Relu between.
struct ConvPair {
  int first, second;
};

std::vector<ConvPair> ConvPairs(const Model& model) {
  GraphIndex index(model);
  std::vector<ConvPair> pairs;
  for (int n = 0; n < index.node_count(); ++n) {
    if (!IsType(index.node(n), "Conv")) continue;
    const ValueUse* use = index.OnlyUse(index.node(n).output(0));
    while (use != nullptr && IsType(index.node(use->node), "Relu")) use = index.OnlyUse(index.node(use->node).output(0));
    if (use != nullptr && IsType(index.node(use->node), "Conv")) pairs.push_back({n, use->node});
  }
  return pairs;
}

// What 1, everywhere in the input, adds to each element of a convolution's result [M, H, W] (kernels inside the padded input only).
Tensor SumOfWeights(const NodeProto& conv, const Tensor& weight, const Shape& in, const Shape& out) {
  auto pads = IntsAttribute(conv, "pads", {0, 0, 0, 0}), strides = IntsAttribute(conv, "strides", {1, 1});
  const Shape& w = weight.shape();
  Tensor sums(DType::kFloat, {1, w[0], out[2], out[3]});
  float* to = sums.mutable_values<float>().data();
  const float* values = weight.values<float>().data();
  for (int64_t m = 0; m < w[0]; ++m) {
    for (int64_t y = 0; y < out[2]; ++y) {
      for (int64_t x = 0; x < out[3]; ++x) {
        double sum = 0;
        for (int64_t i = 0; i < w[1] * w[2] * w[3]; ++i) {
          int64_t row = y * strides[0] - pads[0] + i / w[3] % w[2], column = x * strides[1] - pads[1] + i % w[3];
          bool inside = row >= 0 && row < in[2] && column >= 0 && column < in[3];
          if (inside) sum += values[m * w[1] * w[2] * w[3] + i];
        }
        *to++ = static_cast<float>(sum);
      }
    }
  }
  return sums;
}

}  // namespace

Result<Model> WithActivationOutliers(Model model, float factor) {
  GraphIndex index(model);
  std::vector<WeightScale> scales;
  struct Sum {
    int node, input;
    std::vector<float> inverse;
  };
  std::vector<Sum> sums;
  for (int n = 0; n < index.node_count(); ++n) {
    if (!IsType(index.node(n), "LayerNormalization")) continue;
    std::vector<ValueUse> uses = ProductsAndSums(model, index, index.node(n).output(0));
    if (uses.empty()) continue;
    std::vector<float> factors(static_cast<size_t>(model.WeightSpec(index.node(n).input(1))->shape[0]), 1.0f);
    for (size_t c = 5; c < factors.size(); c += 24) factors[c] = factor;
    std::vector<float> inverse = Inverse(factors);
    for (int input : {1, 2}) scales.push_back({n, input, 0, factors});
    for (const ValueUse& use : uses) {
      if (IsType(index.node(use.node), "MatMul")) {
        scales.push_back({use.node, 1, 0, inverse});
      } else {
        sums.push_back({use.node, use.input, inverse});
      }
    }
  }
  if (scales.empty()) return InvalidArgument("no LayerNormalization that products read", "NOT_A_BERT");
  for (const WeightScale& scale : scales) NS_RETURN_IF_ERROR(ApplyWeightScale(model, scale));
  for (const Sum& sum : sums) {
    std::string value = model.graph().node(sum.node).input(sum.input), output = model.UniqueName(value + "_residual");
    std::string vector = NewVector(model, value + "_unscale", {static_cast<int64_t>(sum.inverse.size())}, sum.inverse);
    model.mutable_graph().mutable_node(sum.node)->set_input(sum.input, output);
    AddNode(model.mutable_graph(), "Mul", {value, vector}, {output}, model.UniqueName(value + "_residual_Mul"));
  }
  NS_RETURN_IF_ERROR(SortNodes(model.mutable_graph()));
  return model;
}

Result<Model> WithRescaledChannels(Model original) {
  std::set<std::string> positive;  // made by a Relu
  for (NodeProto& node : *original.mutable_graph().mutable_node()) {
    if (IsType(node, "Relu")) positive.insert(node.output(0));
    if (!IsType(node, "Clip")) continue;
    node.set_op_type(positive.contains(node.input(0)) ? "Identity" : "Relu");
    node.mutable_input()->DeleteSubrange(1, node.input_size() - 1);
  }
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(Model model, PrepareModel(std::move(original), progress));
  std::vector<ConvPair> pairs = ConvPairs(model);
  if (pairs.empty()) return InvalidArgument("no two convolutions with only Relu between", "NOT_CONVOLUTIONS");
  for (const ConvPair& pair : pairs) {
    const NodeProto first = model.graph().node(pair.first), second = model.graph().node(pair.second);
    std::vector<float> factors;
    int64_t channels = model.WeightSpec(first.input(1))->shape[0];
    for (int64_t c = 0; c < channels; ++c) factors.push_back(std::ldexp(1.0f, static_cast<int>((c * 5 + pair.first) % 13) - 6));
    int axis = IntAttribute(second, "group", 1) == 1 ? 1 : 0;
    NS_RETURN_IF_ERROR(ApplyWeightScale(model, {pair.first, 1, 0, factors}));
    if (first.input_size() > 2) NS_RETURN_IF_ERROR(ApplyWeightScale(model, {pair.first, 2, 0, factors}));
    NS_RETURN_IF_ERROR(ApplyWeightScale(model, {pair.second, 1, axis, Inverse(factors)}));
  }
  return model;
}

Result<Model> WithUnusedPlane(Model model) {
  auto& graph = model.mutable_graph();
  int first = 0;
  while (first < graph.node_size() && !IsType(graph.node(first), "Conv")) ++first;
  if (first == graph.node_size()) return InvalidArgument("no convolution", "NOT_CONVOLUTIONS");
  const NodeProto conv = graph.node(first);
  NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(conv.input(1)));
  Shape shape = weight.shape();
  auto kernel = static_cast<size_t>(shape[2] * shape[3]), image = static_cast<size_t>(shape[1]) * kernel;
  std::vector<float> wider;
  for (size_t channel = 0; channel < static_cast<size_t>(shape[0]); ++channel) {
    auto own = weight.values<float>().subspan(channel * image, image);
    wider.insert(wider.end(), own.begin(), own.end());
    wider.insert(wider.end(), kernel, 0.0f);
  }
  shape[1] += 1;
  std::string pads = model.UniqueName("plane_pads"), value = model.UniqueName("plane_value"), output = model.UniqueName(conv.input(0) + "_and_plane");
  model.SetWeight(pads, Tensor::From<int64_t>({8}, {0, 0, 0, 0, 0, 1, 0, 0}));
  model.SetWeight(value, Tensor::From<float>({}, {1024}));
  AddNode(graph, "Pad", {conv.input(0), pads, value}, {output}, model.UniqueName("plane_Pad"));
  NodeProto& changed = *graph.mutable_node(first);
  changed.set_input(0, output);
  changed.set_input(1, NewVector(model, conv.input(1) + "_wider", shape, wider));
  NS_RETURN_IF_ERROR(SortNodes(graph));
  return model;
}

Result<Model> WithCancellingOffsets(Model original) {
  constexpr float kOffset = 4096;
  NullProgress progress;
  NS_ASSIGN_OR_RETURN(Model model, PrepareModel(std::move(original), progress));
  ShapeMap shapes = ShapeMap::Infer(model);
  auto& graph = model.mutable_graph();
  std::string mean = model.UniqueName("mean"), row_mean = model.UniqueName("row_mean"), scale = model.UniqueName("offset_scale");
  std::string flat = model.UniqueName("row_shape"), offset = model.UniqueName("offset"), row_offset = model.UniqueName("row_offset");
  model.SetWeight(scale, Tensor::From<float>({}, {kOffset}));
  model.SetWeight(flat, Tensor::From<int64_t>({2}, {-1, 1}));
  int layers = graph.node_size();
  SetAttribute(AddNode(graph, "ReduceMean", {graph.input(0).name()}, {mean}, model.UniqueName("mean_ReduceMean")), "axes", std::vector<int64_t>{1, 2, 3});
  AddNode(graph, "Reshape", {mean, flat}, {row_mean}, model.UniqueName("row_mean_Reshape"));
  AddNode(graph, "Mul", {mean, scale}, {offset}, model.UniqueName("offset_Mul"));
  AddNode(graph, "Mul", {row_mean, scale}, {row_offset}, model.UniqueName("row_offset_Mul"));
  for (int n = 0; n < layers; ++n) {
    const NodeProto node = graph.node(n);
    bool conv = IsType(node, "Conv");
    if (!conv && !IsType(node, "Gemm")) continue;
    NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(node.input(1)));
    Tensor sums(DType::kFloat, {1, weight.shape()[0]});
    if (conv) {
      sums = SumOfWeights(node, weight, shapes.Find(node.input(0))->shape, shapes.Find(node.output(0))->shape);
    } else {
      ForEachAlong(weight, 0, [&](float value, size_t row) { sums.mutable_values<float>()[row] += value; });  // transB
    }
    const std::string& value = node.output(0);
    std::string shifted = model.UniqueName(node.input(0) + "_shifted"), product = model.UniqueName(value + "_product");
    std::string excess = model.UniqueName(value + "_excess"), constant = model.UniqueName(value + "_sums");
    model.SetWeight(constant, sums);
    AddNode(graph, "Add", {node.input(0), conv ? offset : row_offset}, {shifted}, model.UniqueName(node.name() + "_Add"));
    AddNode(graph, "Mul", {conv ? offset : row_offset, constant}, {excess}, model.UniqueName(node.name() + "_Mul"));
    AddNode(graph, "Sub", {product, excess}, {value}, model.UniqueName(node.name() + "_Sub"));
    graph.mutable_node(n)->set_input(0, shifted);
    graph.mutable_node(n)->set_output(0, product);
  }
  NS_RETURN_IF_ERROR(SortNodes(graph));
  return model;
}

}  // namespace ns
