#include "store/task_store.h"

#include "store/attempts.h"
#include "store/migrations.h"
#include "store/task_rows.h"
#include "store/task_store_parts.h"
#include "store/upkeep.h"
#include "store/webhooks.h"
#include "tasks/attempt_outcome.h"

namespace ns {

namespace {

int64_t Micros(WallTime time) { return time.time_since_epoch().count(); }
WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

// Rows of one task's event log, but for the few that are always needed.
constexpr int64_t kMostEvents = 10'000;              // of a task
constexpr int64_t kMostTrials = 2 * kMostEvents;      // ... with trials, beyond that
constexpr int64_t kMostAtAll = kMostTrials + 100;     // ... with what a worker says of its end

Status Stale(const std::string& id, int attempt) {
  return FailedPrecondition(fmt::format("attempt {} of task {} is over", attempt, id), "STALE_ATTEMPT");
}

struct TaskKey {
  int64_t order = 0;
  TaskState state = TaskState::kPending;
  int attempt = 0;
  int64_t submitted = 0, started = 0;  // microseconds; 0: not started
  int64_t last_event = 0, event_rows = 0;
};

Result<TaskKey> FindTask(Database& database, const std::string& id) {
  NS_ASSIGN_OR_RETURN(Statement query, database.Prepare("SELECT seq, state, attempt, submitted, started, last_event, event_rows FROM tasks WHERE id=?"));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Step());
  if (!found) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  return TaskKey{query.Int(0), ParseTaskState(query.Text(1)).value_or(TaskState::kFailed), static_cast<int>(query.Int(2)),
                 query.Int(3), query.Int(4), query.Int(5), query.Int(6)};
}

// One event at the end of a task's log.
Status AddEvent(Database& database, int64_t task, int attempt, WallTime time, const EventPayload& payload) {
  NS_ASSIGN_OR_RETURN(Statement count, database.Prepare(
      "UPDATE tasks SET last_event=last_event+1, event_rows=event_rows+1 WHERE seq=? RETURNING last_event"));
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
std::string ScopedKey(const std::string& owner, const std::string& key) { return key.empty() || owner.empty() ? key : owner + "\n" + key; }

Result<SubmittedTask> InsertTask(Database& database, const NewTask& task) {
  std::string key = ScopedKey(task.owner, task.idempotency_key);
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

bool IsProgress(const TaskEvent& event) { return std::holds_alternative<ProgressEvent>(event.payload); }

// How many events there may be before this one is left out: what decides how the task is shown and ends is taken longest.
int64_t RoomFor(const TaskEvent& event) {
  if (std::holds_alternative<ResultEvent>(event.payload) || std::holds_alternative<StateEvent>(event.payload)) return kMostAtAll;
  return std::holds_alternative<TrialEvent>(event.payload) ? kMostTrials : kMostEvents;
}

// Keeps what is new and fits beside `rows`, and of progress events in a row the last.
std::vector<const TaskEvent*> Worth(const std::vector<TaskEvent>& events, uint64_t after, int64_t rows) {
  std::vector<const TaskEvent*> kept;
  for (const TaskEvent& event : events) {
    if (event.seq <= after) continue;
    if (IsProgress(event) && !kept.empty() && IsProgress(*kept.back())) kept.pop_back();
    if (rows + static_cast<int64_t>(kept.size()) >= RoomFor(event)) continue;
    kept.push_back(&event);
  }
  return kept;
}

// The last stored event goes if it tells progress: newer progress follows.
Status DropLastProgress(Database& database, const TaskKey& task) {
  NS_ASSIGN_OR_RETURN(Statement remove, database.Prepare("DELETE FROM events WHERE task=? AND seq=? AND type='progress'"));
  NS_RETURN_IF_ERROR(remove.Bind(task.order).Bind(task.last_event).Run());
  if (database.changes() == 0) return OkStatus();
  NS_ASSIGN_OR_RETURN(Statement count, database.Prepare("UPDATE tasks SET event_rows=event_rows-1 WHERE seq=?"));
  return count.Bind(task.order).Run();
}

Status InsertEvents(Database& database, const std::string& id, int attempt, const std::vector<TaskEvent>& events) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  NS_ASSIGN_OR_RETURN(Statement last, database.Prepare("SELECT worker_seq, ended FROM attempts WHERE task=? AND attempt=?"));
  NS_ASSIGN_OR_RETURN(bool found, last.Bind(task.order).Bind(attempt).Step());
  if (!found || last.OptionalInt(1)) return Stale(id, attempt);
  if (events.empty() || events.back().seq <= static_cast<uint64_t>(last.Int(0))) return OkStatus();
  std::vector<const TaskEvent*> kept = Worth(events, static_cast<uint64_t>(last.Int(0)), task.event_rows);
  if (!kept.empty() && IsProgress(*kept.front())) NS_RETURN_IF_ERROR(DropLastProgress(database, task));
  for (const TaskEvent* event : kept) NS_RETURN_IF_ERROR(AddEvent(database, task.order, attempt, event->time, event->payload));
  if (task.event_rows < kMostEvents && task.event_rows + static_cast<int64_t>(kept.size()) >= kMostEvents) {
    NoteEvent note{fmt::format("this task has {} events: further notes, stages and progress are left out", kMostEvents), true};
    NS_RETURN_IF_ERROR(AddEvent(database, task.order, attempt, events.back().time, note));
  }
  NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE attempts SET worker_seq=? WHERE task=? AND attempt=?"));
  return update.Bind(static_cast<int64_t>(events.back().seq)).Bind(task.order).Bind(attempt).Run();
}

// `waited`: microseconds from submission, of the first attempt.
Status StartAttempt(Database& database, const std::string& id, int attempt, int slot, WallTime now, std::optional<int64_t>* waited) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  if (task.state != TaskState::kPending || attempt != task.attempt + 1) return Stale(id, attempt);
  if (task.started == 0) *waited = Micros(now) - task.submitted;
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
  std::string outcome = lost ? "lost" : message == kStoppedByDrain ? kStoppedByDrain : "interrupted";
  NS_RETURN_IF_ERROR(EndAttempt(database, task.order, attempt, outcome, now));
  std::string reason = lost ? "WORKER_LOST" : "SERVICE_STOPPED";
  return AddEvent(database, task.order, attempt, now, StateEvent{TaskState::kPending, reason, message, attempt});
}

// `ran`: microseconds from the first attempt, of a task that had one.
Status EndTask(Database& database, const std::string& id, int attempt, const TaskEnd& end, WallTime now, std::optional<int64_t>* ran) {
  NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
  if (!MayFollow(task.state, end.state) || attempt != task.attempt) return Stale(id, attempt);
  if (task.started != 0) *ran = Micros(now) - task.started;
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

}  // namespace

TaskStore::TaskStore(std::unique_ptr<Writer> writer, std::unique_ptr<Reader> reader, std::unique_ptr<DamageCheck> check)
    : writer_(std::move(writer)), reader_(std::move(reader)), check_(std::move(check)) {}
TaskStore::~TaskStore() = default;

Result<std::unique_ptr<TaskStore>> TaskStore::Open(const std::filesystem::path& file, const Clock& clock) {
  bool unclean = EndedUncleanly(file);
  auto opened = Database::Open(file, /*read_only=*/false);
  Status status = opened.ok() ? Migrate(**opened) : opened.status();
  if (!status.ok()) return status.WithContext(fmt::format("store '{}'", file.string()));
  std::unique_ptr<Database> write = std::move(*opened), checked;
  if (unclean) {
    NS_ASSIGN_OR_RETURN(checked, Database::Open(file, /*read_only=*/true));
  }
  return std::unique_ptr<TaskStore>(new TaskStore(std::make_unique<Writer>(std::move(write), clock), std::make_unique<Reader>(file),
                                                  std::make_unique<DamageCheck>(std::move(checked))));
}

void TaskStore::Listen(std::function<void(const std::string&)> changed) { writer_->changed = std::move(changed); }

void TaskStore::Submit(NewTask task, std::function<void(Result<SubmittedTask>)> done) {
  auto made = std::make_shared<SubmittedTask>();
  writer_->committer.Queue(
      [task = std::move(task), made](Database& database) {
        NS_ASSIGN_OR_RETURN(*made, InsertTask(database, task));
        return OkStatus();
      },
      [made, metrics = &writer_->metrics, done = std::move(done)](Status status) {
        if (status.ok()) {
          if (!made->existed) metrics->submitted.Add();
          done(*made);
        } else {
          done(status);
        }
      });
}

void TaskStore::BeginAttempt(const std::string& id, int attempt, int slot, Done done) {
  WallTime now = writer_->clock.wall();
  auto waited = std::make_shared<std::optional<int64_t>>();
  writer_->committer.Queue([=](Database& database) { return StartAttempt(database, id, attempt, slot, now, waited.get()); },
                           writer_->Changing(id, std::move(done), [metrics = &writer_->metrics, waited] {
                             metrics->attempts.Add();
                             if (*waited) metrics->queue_seconds.Observe(std::chrono::microseconds(**waited));
                           }));
}

void TaskStore::BeginAssistant(const WorkerId& assistant, int slot, Done done) {
  writer_->committer.Queue([=](Database& database) { return InsertAssistant(database, assistant, slot); },
                           [cache = &writer_->cache, id = assistant.task_id, done = std::move(done)](Status status) {
                             cache->Drop(id);
                             done(std::move(status));
                           });
}

void TaskStore::EndAssistant(const WorkerId& assistant, Done done) {
  writer_->committer.Queue([=](Database& database) { return DeleteAssistant(database, assistant); }, std::move(done));
}

void TaskStore::AppendEvents(const std::string& id, int attempt, std::vector<TaskEvent> events, Done done) {
  auto counted = [metrics = &writer_->metrics, count = events.size()] { metrics->events.Add(count); };
  writer_->committer.Queue(
      [id, attempt, events = std::move(events)](Database& database) { return InsertEvents(database, id, attempt, events); },
      writer_->Changing(id, std::move(done), counted));
}

void TaskStore::Requeue(const std::string& id, int attempt, bool lost, const std::string& message, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue([=](Database& database) { return PutBack(database, id, attempt, lost, message, now); },
                           writer_->Changing(id, std::move(done), [metrics = &writer_->metrics, lost] {
                             if (lost) metrics->attempts_lost.Add();
                           }));
}

void TaskStore::Finish(const std::string& id, int attempt, TaskEnd end, Done done) {
  WallTime now = writer_->clock.wall();
  auto ran = std::make_shared<std::optional<int64_t>>();
  auto counted = [metrics = &writer_->metrics, ran, state = end.state] {
    metrics->Ended(state);
    if (*ran) metrics->run_seconds.Observe(std::chrono::microseconds(**ran));
  };
  writer_->committer.Queue([=, end = std::move(end)](Database& database) { return EndTask(database, id, attempt, end, now, ran.get()); },
                           writer_->Changing(id, std::move(done), counted));
}

void TaskStore::CloseAttempt(const std::string& id, int attempt, const std::string& outcome, Done done) {
  WallTime now = writer_->clock.wall();
  writer_->committer.Queue(
      [=](Database& database) {
        NS_ASSIGN_OR_RETURN(TaskKey task, FindTask(database, id));
        return EndAttempt(database, task.order, attempt, outcome, now);
      },
      writer_->Changing(id, std::move(done), [] {}));
}

void TaskStore::Flush() { writer_->committer.Flush(); }

Result<std::string> TaskStore::FindByKey(const std::string& owner, const std::string& key) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  NS_ASSIGN_OR_RETURN(SubmittedTask task, ns::FindByKey(*reader, ScopedKey(owner, key)));
  return task.id;
}

Result<TaskRecord> TaskStore::Get(const std::string& id) const {
  if (auto known = writer_->cache.Find(id)) return std::move(*known);
  uint64_t ticket = writer_->cache.Ticket(id);
  static const std::string sql = fmt::format("SELECT {} FROM tasks WHERE id=?", kTaskColumns);
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  ReadTransaction together(*reader);
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(sql));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Step());
  if (!found) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  TaskRecord task = ReadTask(query);
  if (task.attempt > 0) {
    NS_ASSIGN_OR_RETURN(task.attempts, ReadAttempts(*reader, task.order));
  }
  if (IsFinal(task.state) && task.spec_json.find("\"webhook\"") != std::string::npos) {
    NS_ASSIGN_OR_RETURN(task.webhook, SelectWebhook(*reader, id));
  }
  writer_->cache.Put(task, ticket);
  return task;
}

Result<std::vector<TaskRecord>> TaskStore::List(const ListOptions& options) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  bool labelled = !options.label_name.empty();
  // CROSS JOIN: the label first, whatever SQLite thinks of the other conditions.
  std::string sql = fmt::format("SELECT {} FROM {}", kTaskColumns,
                                labelled ? "task_labels CROSS JOIN tasks ON seq=task WHERE label=? AND value=? AND task>?" : "tasks WHERE seq>?");
  if (options.state) sql += " AND state=?";
  if (options.owner) sql += " AND owner=?";
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(sql + (labelled ? " ORDER BY task LIMIT ?" : " ORDER BY seq LIMIT ?")));
  if (labelled) query.Bind(options.label_name).Bind(options.label_value);
  query.Bind(options.after);
  if (options.state) query.Bind(TaskStateName(*options.state));
  if (options.owner) query.Bind(*options.owner);
  query.Bind(options.limit);
  return ReadTasks(query);
}

Result<std::vector<TaskRecord>> TaskStore::Running() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(fmt::format("SELECT {} FROM tasks WHERE state='running' ORDER BY seq", kTaskColumns)));
  return ReadTasks(query);
}

Status TaskStore::EachPending(const std::function<void(const TaskRecord&)>& each) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(
      "SELECT seq, submitter, priority, submitted, CASE WHEN instr(spec, '\"deadline\"')>0 THEN spec END FROM tasks WHERE state='pending' ORDER BY seq"));
  TaskRecord task;
  while (true) {
    NS_ASSIGN_OR_RETURN(bool row, query.Step());
    if (!row) return OkStatus();
    task.order = query.Int(0);
    task.submitter = query.Text(1);
    task.priority = static_cast<int>(query.Int(2));
    task.submitted = FromMicros(query.Int(3));
    task.spec_json = query.Text(4);
    each(task);
  }
}

Result<std::vector<TaskRecord>> TaskStore::Pending(const std::vector<int64_t>& orders) const {
  static const std::string sql = fmt::format("SELECT {} FROM tasks WHERE seq=? AND state='pending'", kTaskColumns);
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  ReadTransaction together(*reader);
  std::vector<TaskRecord> tasks;
  for (int64_t order : orders) {
    NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(sql));
    NS_ASSIGN_OR_RETURN(bool found, query.Bind(order).Step());
    if (found) tasks.push_back(ReadTask(query));
  }
  return tasks;
}

Result<std::vector<OpenWorker>> TaskStore::OpenWorkers() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadOpenWorkers(*reader);
}

Result<std::vector<TaskEvent>> TaskStore::Events(const std::string& id, uint64_t after, int limit) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(
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

Result<uint64_t> TaskStore::LastWorkerSeq(const std::string& id, int attempt) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  NS_ASSIGN_OR_RETURN(Statement query, reader->Prepare(
      "SELECT worker_seq FROM attempts WHERE task=(SELECT seq FROM tasks WHERE id=?) AND attempt=?"));
  NS_ASSIGN_OR_RETURN(bool found, query.Bind(id).Bind(attempt).Step());
  return found ? static_cast<uint64_t>(query.Int(0)) : 0;
}

}  // namespace ns
