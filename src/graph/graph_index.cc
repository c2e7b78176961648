#include "graph/graph_index.h"

#include "graph/subgraphs.h"

namespace ns {
namespace {

void AddOuterNames(const ns_onnx::GraphProto& graph, std::vector<std::string>& found) {
  std::unordered_set<std::string_view> own;
  for (const auto& info : graph.input()) own.insert(info.name());
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) own.insert(tensor.values().name());
  for (const auto& node : graph.node()) own.insert(node.output().begin(), node.output().end());
  auto add = [&](const std::string& name) {
    if (!name.empty() && !own.contains(name)) found.push_back(name);
  };
  for (const auto& node : graph.node()) {
    for (const auto& input : node.input()) add(input);
    for (const auto& attribute : node.attribute()) {
      std::vector<std::string> inner;
      if (attribute.has_g()) AddOuterNames(attribute.g(), inner);
      for (const auto& subgraph : attribute.graphs()) AddOuterNames(subgraph, inner);
      for (const std::string& name : inner) add(name);
    }
  }
  for (const auto& info : graph.output()) add(info.name());
}

}  // namespace

std::vector<std::string> OuterNames(const ns_onnx::GraphProto& subgraph) {
  std::vector<std::string> found, unique;
  AddOuterNames(subgraph, found);
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : found)
    if (seen.insert(name).second) unique.push_back(name);
  return unique;
}

GraphIndex::GraphIndex(const ns_onnx::GraphProto& graph) : graph_(graph) {
  for (const auto& info : graph.input()) inputs_.insert(info.name());
  for (const auto& info : graph.output()) outputs_.insert(info.name());
  for (const auto& tensor : graph.initializer()) weights_.insert(tensor.name());
  for (int n = 0; n < graph.node_size(); ++n) {
    const auto& node = graph.node(n);
    for (const auto& output : node.output())
      if (!output.empty()) producers_[output] = n;
    for (int i = 0; i < node.input_size(); ++i)
      if (!node.input(i).empty()) uses_[node.input(i)].push_back({n, i});
  }
  for (int n = 0; n < graph.node_size(); ++n)
    for (const auto& attribute : graph.node(n).attribute()) AddSubgraphUses(n, attribute);
}

void GraphIndex::AddSubgraphUses(int node, const ns_onnx::AttributeProto& attribute) {
  auto add = [&](const ns_onnx::GraphProto& subgraph) {
    for (const std::string& name : OuterNames(subgraph)) {
      // The key must outlive this call: take the producer's, input's or weight's own string. A name that is none of these is an error
      // that the checker reports.
      std::string_view key;
      if (auto made = producers_.find(name); made != producers_.end()) key = made->first;
      if (auto input = inputs_.find(name); input != inputs_.end()) key = *input;
      if (auto weight = weights_.find(name); weight != weights_.end()) key = *weight;
      if (!key.empty()) uses_[key].push_back({node, -1});
    }
  };
  if (attribute.has_g()) add(attribute.g());
  for (const auto& subgraph : attribute.graphs()) add(subgraph);
}

int GraphIndex::Producer(std::string_view value) const {
  auto found = producers_.find(value);
  return found == producers_.end() ? -1 : found->second;
}

const ns_onnx::NodeProto* GraphIndex::ProducerNode(std::string_view value) const {
  int position = Producer(value);
  return position < 0 ? nullptr : &graph_.node(position);
}

std::span<const ValueUse> GraphIndex::Uses(std::string_view value) const {
  auto found = uses_.find(value);
  if (found == uses_.end()) return {};
  return found->second;
}

const ValueUse* GraphIndex::OnlyUse(std::string_view value) const {
  auto uses = Uses(value);
  return uses.size() == 1 && !IsOutput(value) ? &uses[0] : nullptr;
}

}  // namespace ns
