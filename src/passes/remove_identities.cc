#include "passes/remove_identities.h"

#include <functional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "graph/shapes.h"
#include "graph/subgraphs.h"

namespace ns {
namespace {

using ns_onnx::GraphProto;
using ns_onnx::NodeProto;

// What a value is, when the nodes before that go are gone.
using Source = std::function<std::string(const std::string& value)>;

// Dropout's mask is not used and it does not train (opset 12 moved training_mode to an input, absent or false at inference).
bool IsInferenceDropout(const NodeProto& node, const Source& source, const GraphIndex& index, const Model& model) {
  if (node.output_size() > 1 && index.IsUsed(node.output(1))) return false;
  if (node.input_size() < 3 || node.input(2).empty()) return true;
  auto training = model.Weight(source(node.input(2)));
  return training.ok() && training->dtype() == DType::kBool && training->count() == 1 && !training->values<bool>()[0];
}

bool MovesNothing(const NodeProto& transpose) {
  std::vector<int64_t> order = IntsAttribute(transpose, "perm");
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] != static_cast<int64_t>(i)) return false;
  return !order.empty();
}

// A Relu behind a Relu. ONNX Runtime 1.27 makes two nodes of one name of such a pair behind an integer convolution, and refuses the model.
bool IsSecondRelu(const NodeProto& node, const std::string& input, const GraphIndex& index) {
  const NodeProto* maker = index.ProducerNode(input);
  return node.op_type() == "Relu" && maker != nullptr && maker->op_type() == "Relu" && maker->domain().empty();
}

bool HandsItsInputOn(const NodeProto& node, const Source& source, const GraphIndex& index, const Model& model, const ShapeMap& shapes) {
  static const std::set<std::string> kOfOneInput = {"Concat", "Sum", "Max", "Min", "Mean"};
  if (!node.domain().empty() || node.input_size() == 0 || node.input(0).empty() || node.output_size() == 0 || node.output(0).empty()) return false;
  if (node.op_type() == "Identity") return true;
  if (node.op_type() == "Dropout") return IsInferenceDropout(node, source, index, model);
  if (node.op_type() == "Transpose") return MovesNothing(node);
  if (IsSecondRelu(node, source(node.input(0)), index)) return true;
  if (kOfOneInput.contains(node.op_type())) return node.input_size() == 1;
  if (node.op_type() == "Cast") {
    const TensorSpec* from = shapes.Find(source(node.input(0)));
    return from != nullptr && from->dtype != DType::kUndefined && static_cast<int64_t>(from->dtype) == IntAttribute(node, "to", 0);
  }
  return false;
}

// Finds all that can go, then renames once: the time is linear in the nodes.
class Bypasses {
 public:
  explicit Bypasses(Model& model) : model_(model), index_(model), shapes_(ShapeMap::Infer(model)) {}

  int Run() {
    Source source = [this](const std::string& value) { return SourceOf(value); };
    for (int n = 0; n < index_.node_count(); ++n) {
      const NodeProto& node = index_.node(n);
      if (HandsItsInputOn(node, source, index_, model_, shapes_) && Bypass(SourceOf(node.input(0)), node.output(0))) gone_.insert(n);
    }
    if (!gone_.empty()) Rename();
    return static_cast<int>(gone_.size());
  }

 private:
  // The value that `name` is a copy of.
  std::string SourceOf(std::string name) const {
    for (auto entry = copies_.find(name); entry != copies_.end(); entry = copies_.find(name)) name = entry->second;
    return name;
  }

  // False when names forbid it.
  bool Bypass(const std::string& from, const std::string& to) {
    if (from == to || copies_.contains(to)) return false;  // a circle, or two makers: no graph that runs
    if (index_.IsOutput(to)) {
      if (index_.Producer(from) < 0 || index_.IsOutput(from) || shown_as_.contains(from)) return false;
      shown_as_[from] = to;
    }
    copies_[to] = from;
    return true;
  }

  void Rename() {
    std::unordered_map<std::string, std::string> new_names = shown_as_;
    for (const auto& [copy, unused] : copies_) {
      std::string source = SourceOf(copy);
      auto shown = shown_as_.find(source);
      new_names[copy] = shown == shown_as_.end() ? source : shown->second;
    }
    GraphProto& graph = model_.mutable_graph();
    RemoveNodes(graph, gone_);
    ReplaceUses(graph, new_names);
    for (NodeProto& node : *graph.mutable_node()) {
      for (std::string& output : *node.mutable_output())
        if (auto shown = shown_as_.find(output); shown != shown_as_.end()) output = shown->second;
    }
  }

  Model& model_;
  GraphIndex index_;
  ShapeMap shapes_;
  std::unordered_map<std::string, std::string> copies_;    // by output of a node that goes: its input, possibly one, too
  std::unordered_map<std::string, std::string> shown_as_;  // values that get the name of a graph output that was their copy
  std::unordered_set<int> gone_;
};

}  // namespace

Result<int> RemoveIdentities::Run(Model& model, const PassContext&) { return Bypasses(model).Run(); }

}  // namespace ns
