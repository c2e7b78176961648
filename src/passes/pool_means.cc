#include "passes/pool_means.h"

#include <optional>
#include <set>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/shapes.h"

namespace ns {
namespace {

using ns_onnx::NodeProto;

bool IsMean(const NodeProto& node) { return node.domain().empty() && node.op_type() == "ReduceMean"; }

// An input from opset 18 on, an attribute before. None when they are computed.
std::optional<std::vector<int64_t>> AxesOf(const NodeProto& node, const Model& model) {
  if (node.input_size() < 2 || node.input(1).empty()) return IntsAttribute(node, "axes");
  auto tensor = model.Weight(node.input(1));
  if (!tensor.ok() || tensor->dtype() != DType::kInt64) return std::nullopt;
  auto values = tensor->values<int64_t>();
  return std::vector<int64_t>(values.begin(), values.end());
}

// Whether the axes are all but the first two of `rank`.
bool AreSpatial(const std::vector<int64_t>& axes, int rank) {
  std::set<int64_t> positions;
  for (int64_t axis : axes) positions.insert(axis < 0 ? axis + rank : axis);
  return static_cast<int>(positions.size()) == rank - 2 && *positions.begin() == 2;
}

bool IsPool(const NodeProto& node, const Model& model, const ShapeMap& shapes) {
  const TensorSpec* spec = shapes.Find(node.input(0));
  if (spec == nullptr || spec->dtype != DType::kFloat || !spec->has_shape) return false;
  int rank = static_cast<int>(spec->shape.size());
  auto axes = AxesOf(node, model);
  return axes && (rank == 4 || rank == 5) && AreSpatial(*axes, rank);
}

}  // namespace

Result<int> PoolMeans::Run(Model& model, const PassContext&) {
  std::optional<ShapeMap> shapes;  // inferred when a mean is met
  int changes = 0;
  for (int n = 0; n < model.graph().node_size(); ++n) {
    if (!IsMean(model.graph().node(n))) continue;
    if (!shapes) shapes = ShapeMap::Infer(model);
    NodeProto& node = *model.mutable_graph().mutable_node(n);
    if (!IsPool(node, model, *shapes)) continue;
    bool keeps = IntAttribute(node, "keepdims", 1) != 0;
    std::string input = node.input(0), output = node.output(0), name = node.name();
    node.Clear();
    node.set_op_type("GlobalAveragePool");
    node.set_name(name);
    node.add_input(input);
    node.add_output(keeps ? output : model.UniqueName(output + "_pooled"));
    std::string pooled = node.output(0);
    if (!keeps) AddNode(model.mutable_graph(), "Flatten", {pooled}, {output}, model.UniqueName(output + "_Flatten"));
    ++changes;
  }
  if (changes > 0) NS_RETURN_IF_ERROR(SortNodes(model.mutable_graph()));
  return changes;
}

}  // namespace ns
