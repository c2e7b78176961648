// Walking a graph with the graphs inside its nodes (bodies of If, Loop, Scan).
#pragma once

#include <type_traits>

#include "onnx/onnx_pb.h"

namespace ns {

// Calls visit(graph) for each graph that is an attribute of one of `graph`'s nodes, and for those inside them. Not for `graph` itself.
template <typename Graph, typename Visit>
void ForEachSubgraph(Graph& graph, const Visit& visit) {
  auto inside = [&](auto& subgraph) {
    visit(subgraph);
    ForEachSubgraph(subgraph, visit);
  };
  if constexpr (std::is_const_v<Graph>) {
    for (const auto& node : graph.node())
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) inside(attribute.g());
        for (const auto& g : attribute.graphs()) inside(g);
      }
  } else {
    for (auto& node : *graph.mutable_node())
      for (auto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) inside(*attribute.mutable_g());
        for (auto& g : *attribute.mutable_graphs()) inside(g);
      }
  }
}

}  // namespace ns
