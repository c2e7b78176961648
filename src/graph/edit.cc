#include "graph/edit.h"

#include <functional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "graph/graph_index.h"
#include "graph/subgraphs.h"

namespace ns {

using ns_onnx::GraphProto;
using ns_onnx::NodeProto;

NodeProto& AddNode(GraphProto& graph, std::string_view op_type, std::initializer_list<std::string> inputs,
                   std::initializer_list<std::string> outputs, std::string_view name) {
  NodeProto& node = *graph.add_node();
  node.set_op_type(std::string(op_type));
  node.set_name(std::string(name));
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

void RemoveNodes(GraphProto& graph, const std::unordered_set<int>& positions) {
  auto* nodes = graph.mutable_node();
  int kept = 0;
  for (int i = 0; i < nodes->size(); ++i) {
    if (positions.contains(i)) continue;
    if (kept != i) nodes->SwapElements(kept, i);
    ++kept;
  }
  nodes->DeleteSubrange(kept, nodes->size() - kept);
}

int ReplaceUses(GraphProto& graph, std::string_view from, std::string_view to) {
  return ReplaceUses(graph, {{std::string(from), std::string(to)}});
}

int ReplaceUses(GraphProto& graph, const std::unordered_map<std::string, std::string>& new_names) {
  int changed = 0;
  auto renamed = [&](const std::string& name) -> const std::string* {
    auto entry = new_names.find(name);
    if (entry == new_names.end()) return nullptr;
    ++changed;
    return &entry->second;
  };
  auto replace = [&](GraphProto& g) {
    for (NodeProto& node : *g.mutable_node())
      for (std::string& input : *node.mutable_input())
        if (const std::string* to = renamed(input)) input = *to;
  };
  replace(graph);
  ForEachSubgraph(graph, [&](GraphProto& subgraph) {
    replace(subgraph);
    // A subgraph may hand a value from outside through as its own output.
    for (auto& info : *subgraph.mutable_output())
      if (const std::string* to = renamed(info.name())) info.set_name(*to);
  });
  return changed;
}

Status SortNodes(GraphProto& graph) {
  GraphIndex index(graph);
  auto count = static_cast<size_t>(graph.node_size());
  std::vector<int> waiting_for(count, 0);
  std::vector<std::vector<int>> users(count);
  for (size_t n = 0; n < count; ++n) {
    for (const std::string& output : graph.node(static_cast<int>(n)).output()) {
      if (output.empty()) continue;
      for (const ValueUse& use : index.Uses(output)) {
        users[n].push_back(use.node);
        ++waiting_for[static_cast<size_t>(use.node)];
      }
    }
  }
  // The ready node that stood first goes first.
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t n = 0; n < count; ++n)
    if (waiting_for[n] == 0) ready.push(static_cast<int>(n));
  std::vector<int> order;
  while (!ready.empty()) {
    int n = ready.top();
    ready.pop();
    order.push_back(n);
    for (int user : users[static_cast<size_t>(n)])
      if (--waiting_for[static_cast<size_t>(user)] == 0) ready.push(user);
  }
  if (order.size() != count) return InvalidArgument("the graph's nodes depend on each other in a circle", "GRAPH_CYCLE");
  google::protobuf::RepeatedPtrField<NodeProto> sorted;
  sorted.Reserve(graph.node_size());
  for (int n : order) sorted.Add(std::move(*graph.mutable_node(n)));
  graph.mutable_node()->Swap(&sorted);
  return OkStatus();
}

}  // namespace ns
