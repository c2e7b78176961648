#include "passes/conv_affine.h"

#include <unordered_set>

#include "graph/attributes.h"
#include "graph/edit.h"

namespace ns {

using ns_onnx::NodeProto;

namespace {

bool IsFloatWeight(const Model& model, const std::string& name) {
  auto spec = model.WeightSpec(name);
  return spec.ok() && spec->dtype == DType::kFloat;
}

// Multiplies by the factor of the output channel that each element belongs to. Conv: W is [M, C/group, ...], channel = first index.
// ConvTranspose: W is [C, M/group, ...], channel = group of the first index * M/group + second index.
Tensor ScaledWeight(const Tensor& weight, const NodeProto& node, const std::vector<float>& factor) {
  Tensor scaled(DType::kFloat, weight.shape());
  auto from = weight.values<float>();
  auto to = scaled.mutable_values<float>();
  const Shape& shape = weight.shape();
  bool transposed = node.op_type() == "ConvTranspose";
  int64_t per_group = shape[0] / IntAttribute(node, "group", 1);
  int64_t inner = 1;
  for (size_t i = 2; i < shape.size(); ++i) inner *= shape[i];
  size_t at = 0;
  for (int64_t first = 0; first < shape[0]; ++first) {
    for (int64_t second = 0; second < shape[1]; ++second) {
      int64_t channel = transposed ? first / per_group * shape[1] + second : first;
      for (int64_t i = 0; i < inner; ++i, ++at) to[at] = from[at] * factor[static_cast<size_t>(channel)];
    }
  }
  return scaled;
}

Status FoldIntoConv(Model& model, const FoldableConv& conv, const ChannelAffine& affine) {
  NodeProto& node = *model.mutable_graph().mutable_node(conv.node);
  NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(node.input(1)));
  Tensor bias(DType::kFloat, {conv.channels});
  bool has_bias = node.input_size() > 2 && !node.input(2).empty();
  if (has_bias) {
    NS_ASSIGN_OR_RETURN(Tensor old, model.Weight(node.input(2)));
    if (old.count() != conv.channels) {
      return InvalidArgument(fmt::format("bias '{}' of '{}' has {} values for {} channels", node.input(2), node.name(), old.count(), conv.channels),
                             "BAD_TENSOR");
    }
    std::copy(old.values<float>().begin(), old.values<float>().end(), bias.mutable_values<float>().begin());
  }
  auto values = bias.mutable_values<float>();
  for (size_t c = 0; c < values.size(); ++c) {
    values[c] = static_cast<float>(static_cast<double>(values[c]) * affine.factor[c] + affine.shift[c]);
  }
  std::string weight_name = model.UniqueName(node.input(1) + "_folded");
  std::string bias_name = model.UniqueName((has_bias ? node.input(2) : node.input(1) + "_bias") + "_folded");
  model.SetWeight(weight_name, ScaledWeight(weight, node, affine.factor));
  model.SetWeight(bias_name, bias);
  model.DropWeightPages(node.input(1));
  node.set_input(1, weight_name);
  while (node.input_size() < 3) node.add_input("");
  node.set_input(2, bias_name);
  return OkStatus();
}

}  // namespace

std::optional<FoldableConv> ConvFolds::Find(const std::string& value) const {
  int position = index_.Producer(value);
  if (position < 0 || index_.OnlyUse(value) == nullptr) return std::nullopt;
  if (auto entry = taken_over_.find(position); entry != taken_over_.end()) position = entry->second;
  const NodeProto& node = index_.node(position);
  bool transposed = node.op_type() == "ConvTranspose";
  if (!node.domain().empty() || (node.op_type() != "Conv" && !transposed)) return std::nullopt;
  if (!IsFloatWeight(model_, node.input(1))) return std::nullopt;
  if (node.input_size() > 2 && !node.input(2).empty() && !IsFloatWeight(model_, node.input(2))) return std::nullopt;
  Shape shape = model_.WeightSpec(node.input(1))->shape;
  int64_t group = IntAttribute(node, "group", 1);
  if (shape.size() < 3 || group < 1 || shape[0] % group != 0) return std::nullopt;
  return FoldableConv{position, transposed ? shape[1] * group : shape[0], static_cast<int>(shape.size())};
}

void ConvFolds::Add(const FoldableConv& conv, ChannelAffine affine, int user) {
  folds_.push_back({conv, std::move(affine), user});
  taken_over_[user] = conv.node;
}

Result<int> ConvFolds::Apply(Model& model) const {
  std::unordered_set<int> gone;
  for (const Fold& fold : folds_) {
    NS_RETURN_IF_ERROR(FoldIntoConv(model, fold.conv, fold.affine));
    auto& graph = model.mutable_graph();
    graph.mutable_node(fold.conv.node)->set_output(0, graph.node(fold.user).output(0));
    gone.insert(fold.user);
  }
  if (!gone.empty()) RemoveNodes(model.mutable_graph(), gone);
  return static_cast<int>(gone.size());
}

}  // namespace ns
