#include "store/attempts.h"

namespace ns {

namespace {

WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

}  // namespace

Result<std::vector<OpenAttempt>> ReadOpenAttempts(Database& database) {
  std::vector<OpenAttempt> open;
  for (const char* sql : {"SELECT tasks.id, attempts.attempt, slot, 0 FROM attempts JOIN tasks ON tasks.seq=attempts.task WHERE attempts.ended IS NULL",
                          "SELECT tasks.id, assistants.attempt, slot, worker FROM assistants JOIN tasks ON tasks.seq=assistants.task"}) {
    NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(sql));
    while (true) {
      NS_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) break;
      open.push_back({query.Text(0), static_cast<int>(query.Int(1)), static_cast<int>(query.Int(2)), static_cast<int>(query.Int(3))});
    }
  }
  return open;
}

Result<std::vector<AttemptRecord>> ReadAttempts(Database& database, int64_t task) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(
      "SELECT attempt, started, ended, outcome FROM attempts WHERE task=? ORDER BY attempt"));
  query.Bind(task);
  std::vector<AttemptRecord> attempts;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return attempts;
    AttemptRecord attempt{static_cast<int>(query.Int(0)), FromMicros(query.Int(1)), std::nullopt, query.Text(3)};
    if (auto ended = query.OptionalInt(2)) attempt.ended = FromMicros(*ended);
    attempts.push_back(std::move(attempt));
  }
}

Status InsertAssistant(Database& database, const std::string& id, int attempt, int worker, int slot) {
  NS_ASSIGN_OR_RETURN(Statement insert, database.Prepare(
      "INSERT OR IGNORE INTO assistants(task, attempt, worker, slot) SELECT seq, attempt, ?, ? FROM tasks WHERE id=? AND attempt=? AND state='running'"));
  NS_RETURN_IF_ERROR(insert.Bind(worker).Bind(slot).Bind(id).Bind(attempt).Run());
  if (database.changes() == 1) return OkStatus();
  return FailedPrecondition(fmt::format("attempt {} of task {} is over", attempt, id), "STALE_ATTEMPT");
}

Status DeleteAssistant(Database& database, const std::string& id, int attempt, int worker) {
  NS_ASSIGN_OR_RETURN(Statement remove,
                      database.Prepare("DELETE FROM assistants WHERE task=(SELECT seq FROM tasks WHERE id=?) AND attempt=? AND worker=?"));
  return remove.Bind(id).Bind(attempt).Bind(worker).Run();
}

}  // namespace ns
