#include "passes/conv_affine.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "base/cpu.h"
#include "base/parallel.h"
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

// What one convolution takes in, in this order, and the weight that this gives.
struct ConvChange {
  FoldableConv conv;
  std::vector<const ChannelAffine*> affines;
  Tensor weight;
};

// The weights are most of the work.
Status ScaleWeights(const Model& model, std::vector<ConvChange>& changes) {
  auto scale = [&](int, int64_t i) -> Status {
    ConvChange& change = changes[static_cast<size_t>(i)];
    const NodeProto& node = model.graph().node(change.conv.node);
    NS_ASSIGN_OR_RETURN(change.weight, model.Weight(node.input(1)));
    for (const ChannelAffine* affine : change.affines) change.weight = ScaledWeight(change.weight, node, affine->factor);
    model.DropWeightPages(node.input(1));
    return OkStatus();
  };
  return RunParallel(std::ssize(changes), static_cast<int>(UsableCores().size()), scale);
}

Result<Tensor> ShiftedBias(const Model& model, const NodeProto& node, const ConvChange& change) {
  Tensor bias(DType::kFloat, {change.conv.channels});
  auto values = bias.mutable_values<float>();
  std::fill(values.begin(), values.end(), 0.0f);
  if (node.input_size() > 2 && !node.input(2).empty()) {
    NS_ASSIGN_OR_RETURN(Tensor old, model.Weight(node.input(2)));
    if (old.count() != change.conv.channels) {
      return InvalidArgument(
          fmt::format("bias '{}' of '{}' has {} values for {} channels", node.input(2), node.name(), old.count(), change.conv.channels),
          "BAD_TENSOR");
    }
    std::copy(old.values<float>().begin(), old.values<float>().end(), values.begin());
  }
  for (const ChannelAffine* affine : change.affines) {
    for (size_t c = 0; c < values.size(); ++c) {
      values[c] = static_cast<float>(static_cast<double>(values[c]) * affine->factor[c] + affine->shift[c]);
    }
  }
  return bias;
}

Status FoldIntoConv(Model& model, ConvChange& change) {
  NodeProto& node = *model.mutable_graph().mutable_node(change.conv.node);
  NS_ASSIGN_OR_RETURN(Tensor bias, ShiftedBias(model, node, change));
  bool has_bias = node.input_size() > 2 && !node.input(2).empty();
  std::string weight_name = model.UniqueName(node.input(1) + "_folded");
  std::string bias_name = model.UniqueName((has_bias ? node.input(2) : node.input(1) + "_bias") + "_folded");
  model.SetWeight(weight_name, std::move(change.weight));
  model.SetWeight(bias_name, std::move(bias));
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
  std::vector<ConvChange> changes;
  std::unordered_map<int, size_t> change_of;  // convolution: position in changes
  std::unordered_set<int> gone;
  for (const Fold& fold : folds_) {
    auto [at, added] = change_of.try_emplace(fold.conv.node, changes.size());
    if (added) changes.push_back({fold.conv, {}, {}});
    changes[at->second].affines.push_back(&fold.affine);
    gone.insert(fold.user);
  }
  NS_RETURN_IF_ERROR(ScaleWeights(model, changes));
  for (ConvChange& change : changes) NS_RETURN_IF_ERROR(FoldIntoConv(model, change));
  auto& graph = model.mutable_graph();
  for (const Fold& fold : folds_) graph.mutable_node(fold.conv.node)->set_output(0, graph.node(fold.user).output(0));
  if (!gone.empty()) RemoveNodes(model.mutable_graph(), gone);
  return static_cast<int>(gone.size());
}

}  // namespace ns
