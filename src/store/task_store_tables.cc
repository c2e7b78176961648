// Nodes, webhooks and the inputs in use: the smaller part of task_store.h.
#include "store/nodes.h"
#include "store/task_store_parts.h"
#include "store/webhooks.h"

namespace ns {

Result<std::vector<DueWebhook>> TaskStore::DueWebhooks(WallTime now, int limit) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return SelectDueWebhooks(*reader, now, limit);
}

Result<std::optional<WallTime>> TaskStore::NextWebhook() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return SelectNextWebhook(*reader);
}

void TaskStore::UpdateWebhook(const std::string& id, const WebhookStatus& status, Done done) {
  writer_->committer.Queue([id, status](Database& database) { return ns::UpdateWebhook(database, id, status); },
                           writer_->Changing(id, std::move(done), [] {}));
}

Result<std::set<std::filesystem::path>> TaskStore::InputsInUse() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  constexpr const char* kUnfinished = "FROM tasks WHERE state IN ('pending', 'running')";
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(fmt::format(
      "SELECT model_path {0} UNION SELECT dataset_path {0} UNION SELECT calibration_path {0}", kUnfinished)));
  std::set<std::filesystem::path> paths;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return paths;
    paths.insert(query.Text(0));
  }
}

void TaskStore::SetNodes(std::vector<StoredNode> nodes, std::function<void(Result<std::vector<StoredNode>>)> done) {
  auto list = std::make_shared<std::vector<StoredNode>>();
  writer_->committer.Queue([list, nodes = std::move(nodes)](Database& database) { return *list = nodes, ReplaceNodes(database, list.get()); },
                           [list, done = std::move(done)](Status status) {
                             if (status.ok()) return done(std::move(*list));
                             done(std::move(status));
                           });
}

Result<std::vector<StoredNode>> TaskStore::Nodes() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadNodes(*reader);
}

}  // namespace ns
