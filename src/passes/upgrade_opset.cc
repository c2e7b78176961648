#include "passes/upgrade_opset.h"

#include <set>
#include <unordered_map>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/shapes.h"
#include "graph/subgraphs.h"
#include "graph/tensor_proto.h"

namespace ns {
namespace {

using ns_onnx::GraphProto;
using ns_onnx::NodeProto;

class Upgrader {
 public:
  explicit Upgrader(Model& model) : model_(model), shapes_(ShapeMap::Infer(model)) {
    model_.UniqueName("");  // takes note of all names now: later, nodes are on the move
  }

  // The main graph or one of its subgraphs.
  void Upgrade(GraphProto& graph) {
    std::vector<NodeProto> upgraded;
    for (NodeProto& node : *graph.mutable_node()) {
      if (!node.domain().empty()) {
        upgraded.push_back(std::move(node));
      } else if (IsSoftmax(node)) {
        UpgradeSoftmax(graph, node, upgraded);
      } else {
        UpgradeInputs(graph, node);
        upgraded.push_back(std::move(node));
      }
    }
    graph.clear_node();
    for (NodeProto& node : upgraded) *graph.add_node() = std::move(node);
  }

  int changes() const { return changes_; }

 private:
  static bool IsSoftmax(const NodeProto& node) {
    static const std::set<std::string> kSoftmax = {"Softmax", "LogSoftmax", "Hardmax"};
    return kSoftmax.contains(node.op_type());
  }

  void UpgradeInputs(GraphProto& graph, NodeProto& node) {
    static const std::unordered_map<std::string, std::string> kMoved = {
        {"ReduceSum", "axes"}, {"Squeeze", "axes"}, {"Unsqueeze", "axes"}, {"Split", "split"}};
    if (node.op_type() == "Dropout" && FindAttribute(node, "ratio") != nullptr) {
      MoveToInput(graph, node, "ratio", Tensor::From<float>({}, {FloatAttribute(node, "ratio", 0.5f)}));
    }
    auto moved = kMoved.find(node.op_type());
    if (moved == kMoved.end() || FindAttribute(node, moved->second) == nullptr) return;
    std::vector<int64_t> values = IntsAttribute(node, moved->second);
    MoveToInput(graph, node, moved->second, Tensor::From<int64_t>({static_cast<int64_t>(values.size())}, std::span<const int64_t>(values)));
  }

  // All of these have one input, and the attribute becomes the second.
  void MoveToInput(GraphProto& graph, NodeProto& node, const std::string& attribute, const Tensor& value) {
    std::string name = model_.UniqueName(node.output(0) + "_" + attribute);
    AddWeight(graph, name, value);
    RemoveAttribute(node, attribute);
    node.add_input(name);
    ++changes_;
  }

  void AddWeight(GraphProto& graph, const std::string& name, const Tensor& value) {
    if (&graph == &model_.mutable_graph()) {
      model_.SetWeight(name, value);
    } else {
      *graph.add_initializer() = ToTensorProto(name, value);
    }
  }

  void UpgradeSoftmax(GraphProto& graph, NodeProto& node, std::vector<NodeProto>& out) {
    int64_t axis = IntAttribute(node, "axis", 1);
    // Shapes are known for the main graph's values only; a subgraph's may carry the same name.
    int rank = &graph == &model_.mutable_graph() ? shapes_.Rank(node.input(0)) : -1;
    SetAttribute(node, "axis", int64_t{-1});
    ++changes_;
    if (axis == -1 || (rank > 0 && axis == rank - 1)) {
      out.push_back(std::move(node));
      return;
    }
    std::string input = node.input(0), output = node.output(0);
    std::string shape = model_.UniqueName(output + "_shape"), flat = model_.UniqueName(output + "_flat");
    std::string result = model_.UniqueName(output + "_flat_result");
    GraphProto made;
    AddNode(made, "Shape", {input}, {shape}, model_.UniqueName(output + "_Shape"));
    SetAttribute(AddNode(made, "Flatten", {input}, {flat}, model_.UniqueName(output + "_Flatten")), "axis", axis);
    node.set_input(0, flat);
    node.set_output(0, result);
    *made.add_node() = std::move(node);
    AddNode(made, "Reshape", {result, shape}, {output}, model_.UniqueName(output + "_Reshape"));
    for (NodeProto& each : *made.mutable_node()) out.push_back(std::move(each));
  }

  Model& model_;
  ShapeMap shapes_;
  int changes_ = 0;
};

}  // namespace

Result<int> UpgradeOpset::Run(Model& model, const PassContext&) {
  if (model.opset() == 0 || model.opset() >= 13) return 0;
  if (model.proto().functions_size() > 0) {
    return Status(StatusCode::kUnimplemented,
                  fmt::format("the model has functions of its own at opset {}: export it with opset 13 or later", model.opset()), "OPSET_FUNCTIONS");
  }
  Upgrader upgrader(model);
  upgrader.Upgrade(model.mutable_graph());
  ForEachSubgraph(model.mutable_graph(), [&](GraphProto& subgraph) { upgrader.Upgrade(subgraph); });
  model.SetOpset("", 13);
  return upgrader.changes() + 1;
}

}  // namespace ns
