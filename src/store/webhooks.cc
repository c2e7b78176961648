#include "store/webhooks.h"

namespace ns {

namespace {

std::optional<int64_t> Micros(const std::optional<WallTime>& time) {
  return time ? std::optional<int64_t>(time->time_since_epoch().count()) : std::nullopt;
}
std::optional<WallTime> Time(const std::optional<int64_t>& micros) {
  return micros ? std::optional(WallTime(std::chrono::microseconds(*micros))) : std::nullopt;
}

}  // namespace

Result<std::vector<DueWebhook>> SelectDueWebhooks(Database& database, WallTime now, int limit) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(
      "SELECT tasks.id, json_extract(tasks.spec, '$.webhook'), webhooks.tries FROM webhooks JOIN tasks ON tasks.seq=webhooks.task "
      "WHERE webhooks.state='waiting' AND webhooks.next<=? ORDER BY webhooks.next LIMIT ?"));
  query.Bind(now.time_since_epoch().count()).Bind(limit);
  std::vector<DueWebhook> due;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return due;
    due.push_back({query.Text(0), query.Text(1), static_cast<int>(query.Int(2))});
  }
}

Result<std::optional<WallTime>> SelectNextWebhook(Database& database) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT min(next) FROM webhooks WHERE state='waiting'"));
  NS_ASSIGN_OR_RETURN(bool row, query.Step());
  return row ? Time(query.OptionalInt(0)) : std::nullopt;
}

Result<std::optional<WebhookStatus>> SelectWebhook(Database& database, const std::string& task_id) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare(
      "SELECT state, tries, next, delivered, last_error FROM webhooks WHERE task=(SELECT seq FROM tasks WHERE id=?)"));
  NS_ASSIGN_OR_RETURN(bool row, query.Bind(task_id).Step());
  if (!row) return std::optional<WebhookStatus>();
  return std::optional(WebhookStatus{query.Text(0), static_cast<int>(query.Int(1)), Time(query.OptionalInt(2)), Time(query.OptionalInt(3)),
                                     query.Text(4)});
}

Status UpdateWebhook(Database& database, const std::string& task_id, const WebhookStatus& status) {
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare(
      "UPDATE webhooks SET state=?, tries=?, next=?, delivered=?, last_error=? WHERE task=(SELECT seq FROM tasks WHERE id=?)"));
  return update.Bind(status.state).Bind(status.tries).Bind(Micros(status.next)).Bind(Micros(status.delivered)).BindText(status.last_error)
      .Bind(task_id).Run();
}

}  // namespace ns
