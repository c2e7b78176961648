#include "passes/remove_dead.h"

#include <algorithm>
#include <unordered_set>

#include "graph/edit.h"
#include "graph/graph_index.h"

namespace ns {
namespace {

// Positions of the nodes that graph outputs and nodes of other domains depend on.
std::unordered_set<int> DeadNodes(const Model& model) {
  GraphIndex index(model);
  std::vector<std::vector<int>> makers(static_cast<size_t>(index.node_count()));
  std::unordered_set<int> dead;
  std::vector<int> todo;
  for (int n = 0; n < index.node_count(); ++n) {
    const auto& node = index.node(n);
    bool needed = !node.domain().empty();
    for (const std::string& output : node.output()) {
      needed |= index.IsOutput(output);
      for (const ValueUse& use : index.Uses(output)) makers[static_cast<size_t>(use.node)].push_back(n);
    }
    if (needed) {
      todo.push_back(n);
    } else {
      dead.insert(n);
    }
  }
  while (!todo.empty()) {
    int n = todo.back();
    todo.pop_back();
    for (int maker : makers[static_cast<size_t>(n)])
      if (dead.erase(maker) > 0) todo.push_back(maker);
  }
  return dead;
}

}  // namespace

Result<int> RemoveDead::Run(Model& model, const PassContext&) {
  std::unordered_set<int> dead = DeadNodes(model);
  if (!dead.empty()) RemoveNodes(model.mutable_graph(), dead);
  std::unordered_set<std::string> unused;
  {
    GraphIndex index(model);
    for (const std::string& name : model.WeightNames())
      if (!index.IsUsed(name)) unused.insert(name);
  }
  return static_cast<int>(dead.size()) + model.RemoveWeights(unused);
}

}  // namespace ns
