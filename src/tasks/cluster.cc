#include "tasks/cluster.h"

#include "tasks/json_fields.h"

namespace ns {

std::string NodeStatus(const NodeView& node) { return node.leaving ? "leaving" : node.trouble.empty() ? "alive" : "down"; }

std::string NodeInfo(const NodeView& node) {
  std::string info = fmt::format("Node{}: {} has {} socket(s) and each socket has {} cores.", node.id, node.spec.name, node.spec.sockets,
                                 node.spec.cores_per_socket);
  return node.trouble.empty() ? info : fmt::format("{} It is down: {}", info, node.trouble);
}

std::string ClusterJson(const std::vector<NodeView>& nodes) {
  Json rows = Json::array();
  for (const NodeView& node : nodes) {
    rows.push_back({node.id, node.spec.name, NodeInfo(node), NodeStatus(node), node.free, node.busy, node.spec.sockets});
  }
  return Dump({{"Cluster info", rows}});
}

Result<std::vector<ClusterRow>> ParseClusterJson(std::string_view text) {
  auto json = ParseJson(text);
  bool good = json && json->is_object() && json->contains("Cluster info") && (*json)["Cluster info"].is_array();
  if (!good) return InvalidArgument("not a list of nodes", "BAD_ANSWER");
  std::vector<ClusterRow> rows;
  for (const Json& item : (*json)["Cluster info"]) {
    if (!item.is_array() || item.size() < 7) return InvalidArgument("not a list of nodes", "BAD_ANSWER");
    auto number = [&](size_t at) { return item[at].is_number_integer() ? item[at].get<int>() : 0; };
    auto word = [&](size_t at) { return item[at].is_string() ? item[at].get<std::string>() : std::string(); };
    rows.push_back({number(0), word(1), word(2), word(3), number(4), number(5), number(6)});
  }
  return rows;
}

std::string JoinNodesJson(std::string_view hostfile) { return Dump({{"nodes", hostfile}}); }

Result<std::string> ParseJoinNodes(std::string_view text) {
  auto json = ParseJson(text);
  std::string nodes;
  if (!json || !json->is_object() || json->size() != 1 || !Get(*json, "nodes", &nodes)) {
    return InvalidArgument("the body must be {\"nodes\": \"name sockets cores_per_socket; ...\"}", "BAD_REQUEST");
  }
  return nodes;
}

}  // namespace ns
