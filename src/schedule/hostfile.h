// The nodes of a cluster as text: a line "name sockets cores_per_socket" each.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/cluster.h"

namespace ns {

inline constexpr int kMaxSockets = 4096;  // of one node

// Lines end with a line break or ';'; '#' begins a comment; empty lines count but say nothing. Names are host names or addresses, each at
// most once. InvalidArgument (BAD_HOSTFILE), with the line's number and what was found there, also for a text without any node.
// `what` names the text in messages: "--hostfile 'hosts'".
Result<std::vector<NodeSpec>> ParseHostfile(std::string_view text, std::string_view what);

}  // namespace ns
