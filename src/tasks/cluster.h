// The nodes that workers run on, as users give and see them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

// A line of a hostfile: each socket is a slot of `cores_per_socket` cores.
struct NodeSpec {
  std::string name;
  int sockets = 1;
  int cores_per_socket = 1;
  bool operator==(const NodeSpec&) const = default;
};

struct NodeView {
  int64_t id = 0;
  NodeSpec spec;
  bool leaving = false;  // removed: its workers run to their end, no new one is started
  int free = 0, busy = 0;  // slots
  std::string trouble = {};  // why it cannot be used now; "": it can
  bool operator==(const NodeView&) const = default;
};

// "alive"; "leaving"; "down": no worker is started there until it answers again.
std::string NodeStatus(const NodeView& node);
// "Node1: localhost has 2 socket(s) and each socket has 4 cores.", and behind it why it is down.
std::string NodeInfo(const NodeView& node);

// {"Cluster info": [[id, name, node info, status, free, busy, total], ...]}, slots counted in workers.
std::string ClusterJson(const std::vector<NodeView>& nodes);
// One row of it for a program that prints.
struct ClusterRow {
  int64_t id = 0;
  std::string name, info, status;
  int free = 0, busy = 0, total = 0;
};
Result<std::vector<ClusterRow>> ParseClusterJson(std::string_view json);

// {"nodes": "host1 2 20; host2 4 20"}: the body of POST /cluster/nodes, a hostfile's text. InvalidArgument (BAD_REQUEST).
std::string JoinNodesJson(std::string_view hostfile);
Result<std::string> ParseJoinNodes(std::string_view json);

}  // namespace ns
