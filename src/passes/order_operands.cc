#include "passes/order_operands.h"

namespace ns {

Result<int> OrderOperands::Run(Model& model, const PassContext&) {
  int changes = 0;
  for (auto& node : *model.mutable_graph().mutable_node()) {
    bool commutes = node.domain().empty() && (node.op_type() == "Add" || node.op_type() == "Mul") && node.input_size() == 2;
    if (!commutes || !model.HasWeight(node.input(0)) || model.HasWeight(node.input(1))) continue;
    node.mutable_input(0)->swap(*node.mutable_input(1));
    ++changes;
  }
  return changes;
}

}  // namespace ns
