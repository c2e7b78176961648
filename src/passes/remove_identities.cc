#include "passes/remove_identities.h"

#include <memory>
#include <set>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "graph/shapes.h"
#include "graph/subgraphs.h"

namespace ns {
namespace {

using ns_onnx::GraphProto;
using ns_onnx::NodeProto;

// Dropout's mask is not used and it does not train (opset 12 moved training_mode to an input, absent or false at inference).
bool IsInferenceDropout(const NodeProto& node, const GraphIndex& index, const Model& model) {
  if (node.output_size() > 1 && index.IsUsed(node.output(1))) return false;
  if (node.input_size() < 3 || node.input(2).empty()) return true;
  auto training = model.Weight(node.input(2));
  return training.ok() && training->dtype() == DType::kBool && training->count() == 1 && !training->values<bool>()[0];
}

bool MovesNothing(const NodeProto& transpose) {
  std::vector<int64_t> order = IntsAttribute(transpose, "perm");
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<int64_t>(i)) return false;
  return !order.empty();
}

// A Relu behind a Relu. ONNX Runtime 1.27 makes two nodes of one name of such a pair behind an integer convolution, and refuses the model.
bool IsSecondRelu(const NodeProto& node, const GraphIndex& index, const Model& model) {
  int maker = index.Producer(node.input(0));
  return node.op_type() == "Relu" && maker >= 0 && model.graph().node(maker).op_type() == "Relu" && model.graph().node(maker).domain().empty();
}

bool HandsItsInputOn(const NodeProto& node, const GraphIndex& index, const Model& model, const ShapeMap& shapes) {
  static const std::set<std::string> kOfOneInput = {"Concat", "Sum", "Max", "Min", "Mean"};
  if (!node.domain().empty() || node.input_size() == 0 || node.input(0).empty() || node.output_size() == 0) return false;
  if (node.op_type() == "Identity") return true;
  if (node.op_type() == "Dropout") return IsInferenceDropout(node, index, model);
  if (node.op_type() == "Transpose") return MovesNothing(node);
  if (IsSecondRelu(node, index, model)) return true;
  if (kOfOneInput.contains(node.op_type())) return node.input_size() == 1;
  if (node.op_type() == "Cast") {
    const TensorSpec* from = shapes.Find(node.input(0));
    return from != nullptr && from->dtype != DType::kUndefined && static_cast<int64_t>(from->dtype) == IntAttribute(node, "to", 0);
  }
  return false;
}

// Gives the value `from`, made by `maker`, the name `to`.
void RenameMade(GraphProto& graph, NodeProto& maker, const std::string& from, const std::string& to) {
  for (std::string& output : *maker.mutable_output())
    if (output == from) output = to;
  ReplaceUses(graph, from, to);
}

// Takes node `n` out of the graph's flow; false when names forbid it.
bool Bypass(GraphProto& graph, const GraphIndex& index, int n) {
  std::string from = graph.node(n).input(0), to = graph.node(n).output(0);
  if (!index.IsOutput(to)) {
    ReplaceUses(graph, to, from);
    return true;
  }
  int maker = index.Producer(from);
  if (maker < 0 || index.IsOutput(from)) return false;
  graph.mutable_node(n)->set_output(0, "");
  RenameMade(graph, *graph.mutable_node(maker), from, to);
  return true;
}

}  // namespace

Result<int> RemoveIdentities::Run(Model& model, const PassContext&) {
  int removed = 0;
  ShapeMap shapes = ShapeMap::Infer(model);
  // Each removal renames values, so the index is made anew after it. Only names that exist before are looked up in `shapes`.
  auto index = std::make_unique<GraphIndex>(model);
  for (int n = 0; n < model.graph().node_size();) {
    if (HandsItsInputOn(model.graph().node(n), *index, model, shapes) && Bypass(model.mutable_graph(), *index, n)) {
      RemoveNodes(model.mutable_graph(), {n});
      index = std::make_unique<GraphIndex>(model);
      ++removed;
    } else {
      ++n;
    }
  }
  return removed;
}

}  // namespace ns
