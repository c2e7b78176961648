#include "store/nodes.h"

#include <set>

namespace ns {

namespace {

constexpr const char* kSources[] = {"machine", "hostfile", "joined"};

NodeSource ParseSource(std::string_view name) {
  return name == kSources[0] ? NodeSource::kMachine : name == kSources[1] ? NodeSource::kHostfile : NodeSource::kJoined;
}

Status WriteNode(Database& database, StoredNode* node) {
  bool known = node->id > 0;
  NS_ASSIGN_OR_RETURN(Statement write, database.Prepare(known ? "UPDATE nodes SET name=?, sockets=?, cores_per_socket=?, source=? WHERE id=?"
                                                              : "INSERT INTO nodes(name, sockets, cores_per_socket, source) VALUES(?,?,?,?)"));
  write.Bind(node->spec.name).Bind(node->spec.sockets).Bind(node->spec.cores_per_socket).Bind(kSources[static_cast<size_t>(node->source)]);
  if (known) write.Bind(node->id);
  NS_RETURN_IF_ERROR(write.Run());
  if (!known) node->id = database.last_row_id();
  return OkStatus();
}

}  // namespace

Result<std::vector<StoredNode>> ReadNodes(Database& database) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT id, name, sockets, cores_per_socket, source FROM nodes ORDER BY id"));
  std::vector<StoredNode> nodes;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return nodes;
    nodes.push_back({query.Int(0), {query.Text(1), static_cast<int>(query.Int(2)), static_cast<int>(query.Int(3))}, ParseSource(query.Text(4))});
  }
}

Status ReplaceNodes(Database& database, std::vector<StoredNode>* nodes) {
  std::set<int64_t> kept;
  for (const StoredNode& node : *nodes) kept.insert(node.id);
  NS_ASSIGN_OR_RETURN(auto old, ReadNodes(database));
  for (const StoredNode& node : old) {
    if (kept.contains(node.id)) continue;
    NS_ASSIGN_OR_RETURN(Statement remove, database.Prepare("DELETE FROM nodes WHERE id=?"));
    NS_RETURN_IF_ERROR(remove.Bind(node.id).Run());
  }
  for (StoredNode& node : *nodes) NS_RETURN_IF_ERROR(WriteNode(database, &node));
  return OkStatus();
}

}  // namespace ns
