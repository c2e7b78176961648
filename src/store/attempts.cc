#include "store/attempts.h"

namespace ns {

namespace {

WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

}  // namespace

Result<std::vector<OpenWorker>> ReadOpenWorkers(Database& database) {
  std::vector<OpenWorker> open;
  for (const char* sql : {"SELECT tasks.id, 0, attempts.attempt, slot FROM attempts JOIN tasks ON tasks.seq=attempts.task WHERE attempts.ended IS NULL",
                          "SELECT tasks.id, worker, fence, slot FROM assistants JOIN tasks ON tasks.seq=assistants.task"}) {
    NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(sql));
    while (true) {
      NS_ASSIGN_OR_RETURN(bool row, query.Step());
      if (!row) break;
      open.push_back({{query.Text(0), static_cast<int>(query.Int(1)), static_cast<int>(query.Int(2))}, static_cast<int>(query.Int(3))});
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

Status InsertAssistant(Database& database, const WorkerId& assistant, int slot) {
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE tasks SET assistants=? WHERE id=? AND state='running' AND assistants<?"));
  NS_RETURN_IF_ERROR(update.Bind(assistant.fence).Bind(assistant.task_id).Bind(assistant.fence).Run());
  if (database.changes() != 1) {
    return FailedPrecondition(fmt::format("task {} does not run, or had assistant {} already", assistant.task_id, assistant.fence), "STALE_ATTEMPT");
  }
  NS_ASSIGN_OR_RETURN(Statement insert, database.Prepare(
      "INSERT INTO assistants(task, fence, worker, slot) SELECT seq, ?, ?, ? FROM tasks WHERE id=?"));
  return insert.Bind(assistant.fence).Bind(assistant.worker).Bind(slot).Bind(assistant.task_id).Run();
}

Status DeleteAssistant(Database& database, const WorkerId& assistant) {
  NS_ASSIGN_OR_RETURN(Statement remove, database.Prepare("DELETE FROM assistants WHERE task=(SELECT seq FROM tasks WHERE id=?) AND fence=?"));
  return remove.Bind(assistant.task_id).Bind(assistant.fence).Run();
}

}  // namespace ns
