#include "passes/fold_constants.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "graph/shapes.h"

namespace ns {
namespace {

using ns_onnx::NodeProto;

bool MayFold(const NodeProto& node) {
  static const std::set<std::string> kNever = {"RandomNormal",         "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial",
                                               "Bernoulli",            "Dropout",          "QuantizeLinear", "DequantizeLinear",
                                               "DynamicQuantizeLinear", "If",              "Loop",          "Scan",              "Constant",
                                               "Optional",             "SequenceEmpty",    "SequenceConstruct"};
  if (!node.domain().empty() || kNever.contains(node.op_type())) return false;
  for (const auto& attribute : node.attribute())
    if (attribute.has_g() || attribute.graphs_size() > 0) return false;
  return true;
}

// The nodes to fold in one round, in graph order, and which of their results the rest of the model needs.
struct Round {
  std::vector<int> nodes;
  std::vector<std::string> results;
};

class Planner {
 public:
  Planner(const Model& model, const ShapeMap& shapes, const GraphIndex& index, uint64_t max_bytes)
      : model_(model), shapes_(shapes), index_(index), max_bytes_(max_bytes) {}

  Round Plan() {
    Round round;
    for (int n = 0; n < index_.node_count(); ++n) {
      if (!Folds(index_.node(n))) continue;
      round.nodes.push_back(n);
      for (const std::string& output : index_.node(n).output()) constants_.insert(output);
    }
    std::unordered_set<int> folded(round.nodes.begin(), round.nodes.end());
    for (int n : round.nodes)
      for (const std::string& output : index_.node(n).output())
        if (!output.empty() && NeededOutside(output, folded)) round.results.push_back(output);
    return round;
  }

 private:
  bool IsConstant(const std::string& value) const { return value.empty() || constants_.contains(value) || model_.HasWeight(value); }

  bool Folds(const NodeProto& node) const {
    if (!MayFold(node)) return false;
    uint64_t from = 0, made = 0;
    for (const std::string& input : node.input()) {
      if (!IsConstant(input)) return false;
      if (!input.empty()) from += shapes_.Bytes(input).value_or(0);
    }
    for (const std::string& output : node.output()) {
      if (output.empty()) continue;
      if (index_.IsOutput(output)) return false;  // stays an output of a node
      std::optional<uint64_t> bytes = shapes_.Bytes(output);
      if (!bytes) return false;
      made += *bytes;
    }
    return made <= max_bytes_ || made <= 2 * from;
  }

  bool NeededOutside(const std::string& value, const std::unordered_set<int>& folded) const {
    for (const ValueUse& use : index_.Uses(value))
      if (!folded.contains(use.node)) return true;
    return false;
  }

  const Model& model_;
  const ShapeMap& shapes_;
  const GraphIndex& index_;
  uint64_t max_bytes_;
  std::unordered_set<std::string> constants_;
};

// A model of just these nodes, with the weights they need.
Result<Model> Extract(const Model& model, const Round& round, const ShapeMap& shapes) {
  ns_onnx::ModelProto proto;
  proto.set_ir_version(model.proto().ir_version());
  *proto.mutable_opset_import() = model.proto().opset_import();
  proto.mutable_graph()->set_name("constants");
  std::vector<std::string> weights;
  std::unordered_set<std::string> seen;
  for (int n : round.nodes) {
    const NodeProto& node = model.graph().node(n);
    *proto.mutable_graph()->add_node() = node;
    for (const std::string& input : node.input())
      if (model.HasWeight(input) && seen.insert(input).second) weights.push_back(input);
  }
  for (const std::string& result : round.results) {
    auto* info = proto.mutable_graph()->add_output();
    info->set_name(result);
    info->mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int32_t>(shapes.Find(result)->dtype));
  }
  LoadOptions unchecked;
  unchecked.check = false;
  NS_ASSIGN_OR_RETURN(Model extracted, Model::FromProto(std::move(proto), unchecked));
  for (const std::string& name : weights) NS_RETURN_IF_ERROR(extracted.CopyWeightFrom(model, name));
  return extracted;
}

// Sizes of a value that the model knows, without evaluation: the value itself need not be a constant.
class SizeFolder {
 public:
  SizeFolder(const Model& model, const ShapeMap& shapes) : model_(model), shapes_(shapes), index_(model) {}

  // The result of node `n`, when it is Shape, or Gather from a Shape, and reads known sizes only.
  std::optional<Tensor> ResultOf(int n) const {
    const NodeProto& node = index_.node(n);
    if (!node.domain().empty() || node.output_size() != 1 || index_.IsOutput(node.output(0))) return std::nullopt;
    if (node.op_type() == "Shape") return AllKnown(SizesOf(node));
    const NodeProto* shape = node.op_type() == "Gather" ? index_.ProducerNode(node.input(0)) : nullptr;
    if (shape == nullptr || shape->op_type() != "Shape" || !shape->domain().empty() || !model_.HasWeight(node.input(1))) return std::nullopt;
    return Picked(SizesOf(*shape), model_.Weight(node.input(1)));
  }

 private:
  // What the Shape makes, -1 for sizes that vary; empty when not even their number is known.
  Shape SizesOf(const NodeProto& node) const {
    // What the model declares of its outputs may be wrong; only inputs, weights and what follows from them count.
    const TensorSpec* spec = index_.IsOutput(node.input(0)) ? nullptr : shapes_.Find(node.input(0));
    if (spec == nullptr || !spec->has_shape) return {};
    int64_t rank = static_cast<int64_t>(spec->shape.size());
    auto position = [&](const char* name, int64_t fallback) {
      int64_t value = IntAttribute(node, name, fallback);
      return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank);
    };
    int64_t start = position("start", 0), end = position("end", rank);
    return start < end ? Shape(spec->shape.begin() + start, spec->shape.begin() + end) : Shape{};
  }

  static std::optional<Tensor> AllKnown(const Shape& sizes) {
    bool known = !sizes.empty() && std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size >= 0; });
    if (!known) return std::nullopt;
    return Tensor::From<int64_t>({static_cast<int64_t>(sizes.size())}, std::span<const int64_t>(sizes));
  }

  static std::optional<Tensor> Picked(const Shape& sizes, const Result<Tensor>& picks) {
    if (!picks.ok() || picks->dtype() != DType::kInt64) return std::nullopt;
    int64_t count = static_cast<int64_t>(sizes.size());
    std::vector<int64_t> picked;
    for (int64_t at : picks->values<int64_t>()) {
      if (at < 0) at += count;
      if (at < 0 || at >= count || sizes[static_cast<size_t>(at)] < 0) return std::nullopt;
      picked.push_back(sizes[static_cast<size_t>(at)]);
    }
    return Tensor::From<int64_t>(picks->shape(), std::span<const int64_t>(picked));
  }

  const Model& model_;
  const ShapeMap& shapes_;
  GraphIndex index_;
};

int FoldKnownSizes(Model& model, const ShapeMap& shapes) {
  std::unordered_set<int> done;
  std::vector<std::pair<std::string, Tensor>> found;
  SizeFolder folder(model, shapes);
  for (int n = 0; n < model.graph().node_size(); ++n) {
    std::optional<Tensor> result = folder.ResultOf(n);
    if (!result) continue;
    found.emplace_back(model.graph().node(n).output(0), std::move(*result));
    done.insert(n);
  }
  if (done.empty()) return 0;
  RemoveNodes(model.mutable_graph(), done);
  for (auto& [name, tensor] : found) model.SetWeight(name, std::move(tensor));
  return static_cast<int>(done.size());
}

// Sets the round's results as weights. False when the runtime cannot compute them (a type without a kernel): the model is then unchanged.
Result<bool> Compute(Model& model, const Round& round, const ShapeMap& shapes, const PassContext& context) {
  if (round.results.empty()) return true;
  NS_ASSIGN_OR_RETURN(Model constants, Extract(model, round, shapes));
  Result<std::vector<Tensor>> values = context.evaluator->Evaluate(constants);
  if (!values.ok()) {
    if (context.progress != nullptr) context.progress->Note("constants were not folded: " + values.status().message());
    return false;
  }
  for (size_t i = 0; i < values->size(); ++i) model.SetWeight(round.results[i], (*values)[i]);
  return true;
}

Result<int> FoldOnce(Model& model, const PassContext& context, uint64_t max_bytes) {
  ShapeMap shapes = ShapeMap::Infer(model);
  int folded = FoldKnownSizes(model, shapes);
  GraphIndex index(model);
  Round round = Planner(model, shapes, index, max_bytes).Plan();
  if (round.nodes.empty()) return folded;
  NS_ASSIGN_OR_RETURN(bool computed, Compute(model, round, shapes, context));
  if (!computed) return folded;
  RemoveNodes(model.mutable_graph(), {round.nodes.begin(), round.nodes.end()});
  return folded + static_cast<int>(round.nodes.size());
}

}  // namespace

Result<int> FoldConstants::Run(Model& model, const PassContext& context) {
  if (context.evaluator == nullptr) return 0;
  int total = 0;
  // Each round makes more shapes known; real models need two or three.
  for (int round = 0; round < 10; ++round) {
    NS_ASSIGN_OR_RETURN(int folded, FoldOnce(model, context, options_.max_bytes));
    if (folded == 0) break;
    total += folded;
  }
  return total;
}

}  // namespace ns
