// Who makes and who uses each value of a model's main graph. A snapshot: make a new one after changing the graph.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "graph/model.h"

namespace ns {

// One place where a value goes into a node. `input` is -1 when a subgraph of the node uses the value from outside.
struct ValueUse {
  int node = 0;   // position in graph.node()
  int input = 0;  // position in node.input()
  bool operator==(const ValueUse&) const = default;
};

// Const and thread-safe. Keeps a reference to the graph, which must outlive it and stay unchanged.
class GraphIndex {
 public:
  explicit GraphIndex(const ns_onnx::GraphProto& graph);
  explicit GraphIndex(const Model& model) : GraphIndex(model.graph()) {}

  const ns_onnx::NodeProto& node(int position) const { return graph_.node(position); }
  int node_count() const { return graph_.node_size(); }

  // Position of the node that makes `value`; -1 for graph inputs, weights and unknown names.
  int Producer(std::string_view value) const;
  // The node itself, or null.
  const ns_onnx::NodeProto* ProducerNode(std::string_view value) const;
  // All uses by nodes, in graph order, then uses inside subgraphs. Graph outputs are not among them: see IsOutput().
  std::span<const ValueUse> Uses(std::string_view value) const;
  // The only use, or null when there is none, more than one, or the value is a graph output too: then a rewrite may not swallow it.
  const ValueUse* OnlyUse(std::string_view value) const;

  bool IsInput(std::string_view value) const { return inputs_.contains(value); }
  bool IsOutput(std::string_view value) const { return outputs_.contains(value); }
  bool IsWeight(std::string_view value) const { return weights_.contains(value); }
  bool IsUsed(std::string_view value) const { return IsOutput(value) || !Uses(value).empty(); }

 private:
  void AddSubgraphUses(int node, const ns_onnx::AttributeProto& attribute);

  const ns_onnx::GraphProto& graph_;
  // Keys point into graph_.
  std::unordered_map<std::string_view, int> producers_;
  std::unordered_map<std::string_view, std::vector<ValueUse>> uses_;
  std::unordered_set<std::string_view> inputs_, outputs_, weights_;
};

// Names that a graph takes from the scope outside it: what its nodes (and theirs, inside) use and it does not define.
std::vector<std::string> OuterNames(const ns_onnx::GraphProto& subgraph);

}  // namespace ns
