// The few operations that rewrites of a graph are made of.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/status.h"
#include "onnx/onnx_pb.h"

namespace ns {

// Appends a node of the default domain; names must be unique (Model::UniqueName). Sort the graph when all are added.
ns_onnx::NodeProto& AddNode(ns_onnx::GraphProto& graph, std::string_view op_type, std::initializer_list<std::string> inputs,
                            std::initializer_list<std::string> outputs, std::string_view name = "");

// Removes the nodes at these positions, keeping the others' order.
void RemoveNodes(ns_onnx::GraphProto& graph, const std::unordered_set<int>& positions);

// Lets all nodes that use `from`, those in subgraphs included, use `to`. Graph outputs keep their name. Returns the number of uses changed.
int ReplaceUses(ns_onnx::GraphProto& graph, std::string_view from, std::string_view to);
// The same for many values in one walk; a new name is not looked up again.
int ReplaceUses(ns_onnx::GraphProto& graph, const std::unordered_map<std::string, std::string>& new_names);

// Orders the nodes so that each value is made before it is used (uses in subgraphs included); nodes that are in order stay in order.
// InvalidArgument (GRAPH_CYCLE), the graph unchanged, when there is no such order.
Status SortNodes(ns_onnx::GraphProto& graph);

}  // namespace ns
