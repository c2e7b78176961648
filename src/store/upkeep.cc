#include "store/upkeep.h"

#include <algorithm>

namespace ns {

namespace {

Result<std::vector<std::string>> ReadTexts(Statement& query) {
  std::vector<std::string> texts;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return texts;
    texts.push_back(query.Text(0));
  }
}

Status ForEach(Database& database, std::string_view sql, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    NS_ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
    NS_RETURN_IF_ERROR(statement.Bind(id).Run());
  }
  return OkStatus();
}

}  // namespace

Result<StoreTotals> ReadTotals(Database& database) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT name, value FROM totals"));
  StoreTotals totals;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) break;
    std::string name = query.Text(0);
    if (auto state = ParseTaskState(name)) totals.tasks[*state] = query.Int(1);
    if (name == "bytes") totals.bytes = static_cast<uint64_t>(std::max<int64_t>(0, query.Int(1)));
  }
  return totals;
}

Result<std::vector<EndedTask>> ReadLongestEnded(Database& database, int limit) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(
      "SELECT id, ended, bytes FROM tasks WHERE ended IS NOT NULL AND NOT EXISTS"
      "(SELECT 1 FROM webhooks WHERE webhooks.task=tasks.seq AND webhooks.state='waiting') ORDER BY ended, seq LIMIT ?"));
  query.Bind(limit);
  std::vector<EndedTask> tasks;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return tasks;
    EndedTask task{query.Text(0), WallTime(std::chrono::microseconds(query.Int(1))), std::nullopt};
    if (auto bytes = query.OptionalInt(2)) task.bytes = static_cast<uint64_t>(*bytes);
    tasks.push_back(std::move(task));
  }
}

Result<std::vector<std::string>> ReadUnmeasured(Database& database, int limit) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(
      "SELECT id FROM tasks WHERE ended IS NOT NULL AND bytes IS NULL ORDER BY seq LIMIT ?"));
  query.Bind(limit);
  return ReadTexts(query);
}

Status WriteBytes(Database& database, const std::vector<std::pair<std::string, uint64_t>>& sizes) {
  for (const auto& [id, bytes] : sizes) {
    NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE tasks SET bytes=? WHERE id=?"));
    NS_RETURN_IF_ERROR(update.Bind(static_cast<int64_t>(bytes)).Bind(id).Run());
  }
  return OkStatus();
}

Result<int64_t> RemoveEnded(Database& database, const std::vector<std::string>& ids) {
  int64_t removed = 0;
  for (const std::string& id : ids) {
    // The service would lose sight of a worker that has not ended yet.
    NS_ASSIGN_OR_RETURN(Statement remove, database.Prepare(
        "DELETE FROM tasks WHERE id=? AND ended IS NOT NULL AND NOT EXISTS"
        "(SELECT 1 FROM attempts WHERE attempts.task=tasks.seq AND attempts.ended IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM assistants WHERE assistants.task=tasks.seq)"));
    NS_RETURN_IF_ERROR(remove.Bind(id).Run());
    removed += database.changes();
  }
  return removed;
}

Result<std::vector<std::string>> ReadLeftovers(Database& database, int limit) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT id FROM leftovers LIMIT ?"));
  query.Bind(limit);
  return ReadTexts(query);
}

Status ForgetLeftovers(Database& database, const std::vector<std::string>& ids) {
  return ForEach(database, "DELETE FROM leftovers WHERE id=?", ids);
}

Status WriteProbe(Database& database, int64_t now_micros) {
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE totals SET value=? WHERE name='probe'"));
  return update.Bind(now_micros).Run();
}

Status QuickCheck(Database& database) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("PRAGMA quick_check(1)"));
  NS_ASSIGN_OR_RETURN(bool row, query.Step());
  std::string found = row ? query.Text(0) : "no answer";
  if (found == "ok") return OkStatus();
  return Status(StatusCode::kDataLoss, fmt::format("the store is damaged: {}", found), "STORE_DAMAGED");
}

}  // namespace ns
