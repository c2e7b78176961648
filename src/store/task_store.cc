#include "store/task_store.h"

#include <mutex>

#include "store/migrations.h"
#include "store/nodes.h"
#include "store/sqlite.h"
#include "store/webhooks.h"
#include "store/writer.h"

namespace ns {

namespace {

int64_t Micros(WallTime time) { return time.time_since_epoch().count(); }
WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

Status Stale(const std::string& id, int attempt) {
  return FailedPrecondition(fmt::format("attempt {} of task {} is over", attempt, id), "STALE_ATTEMPT");
}

struct TaskKey {
  int64_t order = 0;
  TaskState state = TaskState::kPending;
  int attempt = 0;
};

Result<TaskKey> FindTask(Database& database, const std::string& id) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT seq, state, attempt FROM tasks WHERE id=?"));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Step());
  if (!found) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  return TaskKey{query.Int(0), ParseTaskState(query.Text(1)).value_or(TaskState::kFailed), static_cast<int>(query.Int(2))};
}

// One event at the end of a task's log.
Status AddEvent(Database& database, int64_t task, int attempt, WallTime time, const EventPayload& payload) {
  NS_ASSIGN_OR_RETURN(Statement count, database.Prepare("UPDATE tasks SET last_event=last_event+1 WHERE seq=? RETURNING last_event"));
  NS_ASSIGN_OR_RETURN(bool row, count.Bind(task).Step());
  if (!row) return NotFound("no such task", "UNKNOWN_TASK");
  int64_t seq = count.Int(0);
  NS_ASSIGN_OR_RETURN(bool more, count.Step());  // runs the statement to its end
  (void)more;
  NS_ASSIGN_OR_RETURN(Statement insert,
                      database.Prepare("INSERT INTO events(task, seq, attempt, time, type, payload) VALUES(?,?,?,?,?,?)"));
  return insert.Bind(task).Bind(seq).Bind(attempt).Bind(Micros(time)).Bind(EventTypeName(payload)).Bind(EventPayloadToJson(payload)).Run();
}

Result<SubmittedTask> FindByKey(Database& database, const std::string& key) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT id, seq FROM tasks WHERE idempotency_key=?"));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(key).Step());
  if (!found) return NotFound("no task with this key", "UNKNOWN_TASK");
  return SubmittedTask{query.Text(0), query.Int(1), true};
}

// The column holds the keys of all owners; names of tokens have no line break.
std::string ScopedKey(const NewTask& task) {
  if (task.idempotency_key.empty() || task.owner.empty()) return task.idempotency_key;
  return task.owner + "\n" + task.idempotency_key;
}

Result<SubmittedTask> InsertTask(Database& database, const NewTask& task) {
  std::string key = ScopedKey(task);
  if (!key.empty()) {
    auto earlier = FindByKey(database, key);
    if (earlier.ok() || earlier.status().code() != StatusCode::kNotFound) return earlier;
  }
  NS_ASSIGN_OR_RETURN(Statement insert, database.Prepare(
      "INSERT INTO tasks(id, state, priority, name, spec, model_path, dataset_path, calibration_path, idempotency_key, submitted, owner, "
      "submitter) VALUES(?,'pending',?,?,?,?,?,?,?,?,?,?)"));
  NS_RETURN_IF_ERROR(insert.Bind(task.id).Bind(task.priority).BindText(task.name).Bind(task.spec_json).BindText(task.model_path.string())
                         .BindText(task.dataset_path.string()).BindText(task.calibration_path.string()).BindText(key)
                         .Bind(Micros(task.submitted)).Bind(task.owner).Bind(task.submitter).Run());
  int64_t order = database.last_row_id();
  NS_RETURN_IF_ERROR(AddEvent(database, order, 0, task.submitted, StateEvent{TaskState::kPending, "", "", 0}));
  return SubmittedTask{task.id, order, false};
}

// Keeps what is new, and of progress events in a row the last.
std::vector<const TaskEvent*> Worth(const std::vector<TaskEvent>& events, uint64_t after) {
  std::vector<const TaskEvent*> kept;
  for (const TaskEvent& event : events) {
    if (event.seq <= after) continue;
    bool progress = std::holds_alternative<ProgressEvent>(event.payload);
    if (progress && !kept.empty() && std::holds_alternative<ProgressEvent>(kept.back()->payload)) kept.pop_back();
    kept.push_back(&event);
  }
  return kept;
}

Status InsertEvents(Database& database, const std::string& id, int attempt, const std::vector<TaskEvent>& events) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  NS_ASSIGN_OR_RETURN(Statement last, database.Prepare("SELECT worker_seq, ended FROM attempts WHERE task=? AND attempt=?"));
  NS_ASSIGN_OR_RETURN(bool found, last.Bind(task.order).Bind(attempt).Step());
  if (!found || last.OptionalInt(1)) return Stale(id, attempt);
  std::vector<const TaskEvent*> kept = Worth(events, static_cast<uint64_t>(last.Int(0)));
  if (kept.empty()) return OkStatus();
  for (const TaskEvent* event : kept) NS_RETURN_IF_ERROR(AddEvent(database, task.order, attempt, event->time, event->payload));
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE attempts SET worker_seq=? WHERE task=? AND attempt=?"));
  return update.Bind(static_cast<int64_t>(events.back().seq)).Bind(task.order).Bind(attempt).Run();
}

Status StartAttempt(Database& database, const std::string& id, int attempt, int slot, WallTime now) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  if (task.state != TaskState::kPending || attempt != task.attempt + 1) return Stale(id, attempt);
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare(
      "UPDATE tasks SET state='running', attempt=?, started=coalesce(started, ?), reason=NULL, message=NULL WHERE seq=?"));
  NS_RETURN_IF_ERROR(update.Bind(attempt).Bind(Micros(now)).Bind(task.order).Run());
  NS_ASSIGN_OR_RETURN(Statement insert, database.Prepare("INSERT INTO attempts(task, attempt, slot, started) VALUES(?,?,?,?)"));
  NS_RETURN_IF_ERROR(insert.Bind(task.order).Bind(attempt).Bind(slot).Bind(Micros(now)).Run());
  return AddEvent(database, task.order, attempt, now, StateEvent{TaskState::kRunning, "", "", attempt});
}

Status EndAttempt(Database& database, int64_t task, int attempt, const std::string& outcome, WallTime now) {
  NS_ASSIGN_OR_RETURN(Statement update,
                      database.Prepare("UPDATE attempts SET ended=?, outcome=? WHERE task=? AND attempt=? AND ended IS NULL"));
  return update.Bind(Micros(now)).Bind(outcome).Bind(task).Bind(attempt).Run();
}

Status PutBack(Database& database, const std::string& id, int attempt, bool lost, const std::string& message, WallTime now) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  if (task.state != TaskState::kRunning || attempt != task.attempt) return Stale(id, attempt);
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE tasks SET state='pending', lost=lost+?, message=? WHERE seq=?"));
  NS_RETURN_IF_ERROR(update.Bind(lost ? 1 : 0).BindText(message).Bind(task.order).Run());
  NS_RETURN_IF_ERROR(EndAttempt(database, task.order, attempt, lost ? "lost" : "interrupted", now));
  std::string reason = lost ? "WORKER_LOST" : "SERVICE_STOPPED";
  return AddEvent(database, task.order, attempt, now, StateEvent{TaskState::kPending, reason, message, attempt});
}

Status EndTask(Database& database, const std::string& id, int attempt, const TaskEnd& end, WallTime now) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  if (!MayFollow(task.state, end.state) || attempt != task.attempt) return Stale(id, attempt);
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE tasks SET state=?, reason=?, message=?, result=?, ended=? WHERE seq=?"));
  update.Bind(TaskStateName(end.state)).BindText(end.reason).BindText(end.message);
  if (end.result) {
    update.Bind(EventPayloadToJson(*end.result));
  } else {
    update.BindNull();
  }
  NS_RETURN_IF_ERROR(update.Bind(Micros(now)).Bind(task.order).Run());
  return AddEvent(database, task.order, attempt, now, StateEvent{end.state, end.reason, end.message, attempt});
}

constexpr const char* kTaskColumns =
    "seq, id, state, priority, name, spec, model_path, dataset_path, calibration_path, submitted, started, ended, attempt, lost, reason, "
    "message, result, owner, submitter";

TaskRecord ReadTask(const Statement& row) {
  TaskRecord task;
  task.order = row.Int(0);
  task.id = row.Text(1);
  task.state = ParseTaskState(row.Text(2)).value_or(TaskState::kFailed);
  task.priority = static_cast<int>(row.Int(3));
  task.name = row.Text(4);
  task.spec_json = row.Text(5);
  task.model_path = row.Text(6);
  task.dataset_path = row.Text(7);
  task.calibration_path = row.Text(8);
  task.submitted = FromMicros(row.Int(9));
  if (auto time = row.OptionalInt(10)) task.started = FromMicros(*time);
  if (auto time = row.OptionalInt(11)) task.ended = FromMicros(*time);
  task.attempt = static_cast<int>(row.Int(12));
  task.lost = static_cast<int>(row.Int(13));
  task.reason = row.Text(14);
  task.message = row.Text(15);
  if (auto result = ParseEventPayload("result", row.Text(16)); result.ok()) task.result = std::get<ResultEvent>(*result);
  task.owner = row.Text(17);
  task.submitter = row.Text(18);
  return task;
}

Result<std::vector<TaskRecord>> ReadTasks(Statement& query) {
  std::vector<TaskRecord> tasks;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return tasks;
    tasks.push_back(ReadTask(query));
  }
}

}  // namespace

class TaskStore::Writer {
 public:
  Writer(std::unique_ptr<Database> database, const Clock& time) : clock(time), committer(std::move(database)) {}
  // `done`, but the listener hears first that the task has new events.
  Done Telling(const std::string& id, Done done) {
    if (!changed) return done;
    return [this, id, done = std::move(done)](Status status) {
      if (status.ok()) changed(id);
      if (done) done(std::move(status));
    };
  }

  const Clock& clock;
  std::function<void(const std::string&)> changed;
  GroupCommitter committer;  // last: its thread uses the others
};

class TaskStore::Reader {
 public:
  explicit Reader(std::unique_ptr<Database> opened) : database(std::move(opened)) {}
  std::mutex mutex;
  std::unique_ptr<Database> database;
};

TaskStore::TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader)
    : writer_(std::move(writer)), reader_(std::move(reader)) {}
TaskStore::~TaskStore() = default;

Result<std::unique_ptr<TaskStore>> TaskStore::Open(const std::filesystem::path& file, const Clock& clock) {
  NS_ASSIGN_OR_RETURN(auto write, Database::Open(file, /*read_only=*/false));
  NS_RETURN_IF_ERROR(Migrate(*write));
  NS_ASSIGN_OR_RETURN(auto read, Database::Open(file, /*read_only=*/true));
  return std::unique_ptr<TaskStore>(
      new TaskStore(std::make_unique<Writer>(std::move(write), clock), std::make_unique<Reader>(std::move(read))));
}

void TaskStore::Listen(std::function<void(const std::string&)> changed) { writer_->changed = std::move(changed); }

void TaskStore::Submit(NewTask task, std::function<void(Result<SubmittedTask>)> done) {
  auto made = std::make_shared<SubmittedTask>();
  writer_->committer.Queue(
      [task = std::move(task), made](Database& database) {
        NS_ASSIGN_OR_RETURN(*made, InsertTask(database, task));
        return OkStatus();
      },
      [made, done = std::move(done)](Status status) {
        if (status.ok()) {
          done(*made);
        } else {
          done(status);
        }
      });
}

void TaskStore::BeginAttempt(const std::string& id, int attempt, int slot, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue([=](Database& database) { return StartAttempt(database, id, attempt, slot, now); },
                           writer_->Telling(id, std::move(done)));
}

void TaskStore::AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) {
  writer_->committer.Queue(
      [id, attempt, events = std::move(events)](Database& database) { return InsertEvents(database, id, attempt, events); },
      writer_->Telling(id, std::move(done)));
}

void TaskStore::Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue([=](Database& database) { return PutBack(database, id, attempt, lost, message, now); },
                           writer_->Telling(id, std::move(done)));
}

void TaskStore::Finish(const std::string& id, int attempt, TaskEnd end, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue([=, end = std::move(end)](Database& database) { return EndTask(database, id, attempt, end, now); },
                           writer_->Telling(id, std::move(done)));
}

void TaskStore::CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue(
      [=](Database& database) {
        NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
        return EndAttempt(database, task.order, attempt, outcome, now);
      },
      std::move(done));
}

void TaskStore::Flush() { writer_->committer.Flush(); }

Result<TaskRecord> TaskStore::Get(const std::string& id) const {
  std::lock_guard lock(reader_->mutex);
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(fmt::format("SELECT {} FROM tasks WHERE id=?", kTaskColumns)));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Step());
  if (!found) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  return ReadTask(query);
}

Result<std::vector<TaskRecord>> TaskStore::List(const ListOptions& options) const {
  std::lock_guard lock(reader_->mutex);
  std::string sql = fmt::format("SELECT {} FROM tasks WHERE seq>?", kTaskColumns);
  if (options.state) sql += " AND state=?";
  if (!options.label_name.empty()) sql += " AND EXISTS(SELECT 1 FROM json_each(spec, '$.labels') AS l WHERE l.key=? AND l.value=?)";
  if (options.owner) sql += " AND owner=?";
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(sql + " ORDER BY seq LIMIT ?"));
  query.Bind(options.after);
  if (options.state) query.Bind(TaskStateName(*options.state));
  if (!options.label_name.empty()) query.Bind(options.label_name).Bind(options.label_value);
  if (options.owner) query.Bind(*options.owner);
  query.Bind(options.limit);
  return ReadTasks(query);
}

Result<std::vector<TaskRecord>> TaskStore::Unfinished() const {
  std::lock_guard lock(reader_->mutex);
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(fmt::format(
      "SELECT {} FROM tasks WHERE state IN ('pending', 'running') ORDER BY priority, seq", kTaskColumns)));
  return ReadTasks(query);
}

Result<std::vector<DueWebhook>> TaskStore::DueWebhooks(WallTime now, int limit) const {
  std::lock_guard lock(reader_->mutex);
  return SelectDueWebhooks(*reader_->database, now, limit);
}

Result<std::optional<WallTime>> TaskStore::NextWebhook() const {
  std::lock_guard lock(reader_->mutex);
  return SelectNextWebhook(*reader_->database);
}

Result<std::optional<WebhookStatus>> TaskStore::Webhook(const std::string& id) const {
  std::lock_guard lock(reader_->mutex);
  return SelectWebhook(*reader_->database, id);
}

void TaskStore::UpdateWebhook(const std::string& id, const WebhookStatus& status, Done done) {
  writer_->committer.Queue([id, status](Database& database) { return ns::UpdateWebhook(database, id, status); }, std::move(done));
}

Result<std::set<std::filesystem::path>> TaskStore::InputsInUse() const {
  std::lock_guard lock(reader_->mutex);
  constexpr const char* kUnfinished = "FROM tasks WHERE state IN ('pending', 'running')";
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(fmt::format(
      "SELECT model_path {0} UNION SELECT dataset_path {0} UNION SELECT calibration_path {0}", kUnfinished)));
  std::set<std::filesystem::path> paths;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return paths;
    paths.insert(query.Text(0));
  }
}

Result<std::vector<OpenAttempt>> TaskStore::OpenAttempts() const {
  std::lock_guard lock(reader_->mutex);
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(
      "SELECT tasks.id, attempts.attempt, slot FROM attempts JOIN tasks ON tasks.seq=attempts.task WHERE attempts.ended IS NULL"));
  std::vector<OpenAttempt> open;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return open;
    open.push_back({query.Text(0), static_cast<int>(query.Int(1)), static_cast<int>(query.Int(2))});
  }
}

Result<std::vector<TaskEvent>> TaskStore::Events(const std::string& id, uint64_t after, int limit) const {
  std::lock_guard lock(reader_->mutex);
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(
      "SELECT seq, time, type, payload FROM events WHERE task=(SELECT seq FROM tasks WHERE id=?) AND seq>? ORDER BY seq LIMIT ?"));
  query.Bind(id).Bind(static_cast<int64_t>(after)).Bind(limit);
  std::vector<TaskEvent> events;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return events;
    auto payload = ParseEventPayload(query.Text(2), query.Text(3));
    if (!payload.ok()) return payload.status().WithContext(fmt::format("event {} of task {}", query.Int(0), id));
    events.push_back({static_cast<uint64_t>(query.Int(0)), FromMicros(query.Int(1)), std::move(*payload)});
  }
}

void TaskStore::SetNodes(std::vector<StoredNode> nodes, std::function<void(Result<std::vector<StoredNode>>)> done) {
  auto list = std::make_shared<std::vector<StoredNode>>(std::move(nodes));
  writer_->committer.Queue([list](Database& database) { return ReplaceNodes(database, list.get()); },
                           [list, done = std::move(done)](Status status) {
                             if (status.ok()) return done(std::move(*list));
                             done(std::move(status));
                           });
}

Result<std::vector<StoredNode>> TaskStore::Nodes() const {
  std::lock_guard lock(reader_->mutex);
  return ReadNodes(*reader_->database);
}

Result<uint64_t> TaskStore::LastWorkerSeq(const std::string& id, int attempt) const {
  std::lock_guard lock(reader_->mutex);
  NS_ASSIGN_OR_RETURN(Statement query, reader_->database->Prepare(
      "SELECT worker_seq FROM attempts WHERE task=(SELECT seq FROM tasks WHERE id=?) AND attempt=?"));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Bind(attempt).Step());
  return found ? static_cast<uint64_t>(query.Int(0)) : 0;
}

}  // namespace ns
