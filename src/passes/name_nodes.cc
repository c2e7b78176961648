#include "passes/name_nodes.h"

#include <string>
#include <unordered_set>

namespace ns {

Result<int> NameNodes::Run(Model& model, const PassContext&) {
  std::unordered_set<std::string> seen;
  int changes = 0;
  for (auto& node : *model.mutable_graph().mutable_node()) {
    if (!node.name().empty() && seen.insert(node.name()).second) continue;
    node.set_name(model.UniqueName(node.op_type()));
    seen.insert(node.name());
    ++changes;
  }
  return changes;
}

}  // namespace ns
