#include "store/writer.h"

#include <future>

namespace ns {

namespace {

// A full or failing disk concerns the whole transaction, anything else one operation only.
bool ConcernsAll(const Status& status) {
  return status.code() == StatusCode::kResourceExhausted || status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDataLoss;
}

Status Do(Database& database, const std::string& statement) {
  NS_ASSIGN_OR_RETURN(Statement prepared, database.Prepare(statement));
  return prepared.Run();
}

}  // namespace

GroupCommitter::GroupCommitter(std::unique_ptr<Database> database)
    : database_(std::move(database)),
      commit_seconds_(Metrics().histogram("neural_solution_store_commit_seconds", "Time of a transaction, its fsync included.", RequestSeconds())),
      batch_size_(Metrics().histogram("neural_solution_store_batch_writes", "Writes that went into one transaction.",
                                      {1, 2, 4, 8, 16, 32, 64, 128, 256, 1024})),
      waiting_(Metrics().gauge("neural_solution_store_waiting_writes", "Writes that wait for the next transaction.")),
      checkpointer_(std::make_unique<Checkpointer>(*database_)),
      thread_([this] { Run(); }) {}

GroupCommitter::~GroupCommitter() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void GroupCommitter::Queue(Operation operation, Done done) {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    first = queue_.empty();
    queue_.push_back({std::move(operation), std::move(done), OkStatus()});
    waiting_.Set(static_cast<int64_t>(queue_.size()));
  }
  if (first) wake_.notify_one();
}

void GroupCommitter::Flush() {
  std::promise<void> reached;
  Queue([](Database&) { return OkStatus(); }, [&](Status) { reached.set_value(); });
  reached.get_future().wait();
}

Status GroupCommitter::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

bool GroupCommitter::WrittenWithin(std::chrono::seconds time) const {
  std::lock_guard lock(mutex_);
  return health_.ok() && written_ && std::chrono::steady_clock::now() - *written_ < time;
}

void GroupCommitter::SetHealth(const Status& status) {
  std::lock_guard lock(mutex_);
  health_ = status;
  if (status.ok()) written_ = std::chrono::steady_clock::now();
}

void GroupCommitter::Run() {
  while (true) {
    std::vector<Entry> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
      waiting_.Set(0);
    }
    auto began = std::chrono::steady_clock::now();
    Commit(batch);
    commit_seconds_.Observe(std::chrono::steady_clock::now() - began);
    batch_size_.Observe(static_cast<double>(batch.size()));
    for (Entry& entry : batch) {
      if (entry.done) entry.done(entry.status);
    }
    checkpointer_->Committed();
  }
}

Status GroupCommitter::RunAlone(Entry& entry) {
  NS_RETURN_IF_ERROR(Do(*database_, "SAVEPOINT operation"));
  entry.status = entry.operation(*database_);
  if (entry.status.ok()) return Do(*database_, "RELEASE operation");
  if (!database_->in_transaction() || ConcernsAll(entry.status)) return entry.status;
  NS_RETURN_IF_ERROR(Do(*database_, "ROLLBACK TO operation"));
  return Do(*database_, "RELEASE operation");
}

GroupCommitter::Outcome GroupCommitter::Try(std::vector<Entry>& batch, bool apart, Status* status) {
  *status = Do(*database_, "BEGIN IMMEDIATE");
  bool again = false;
  for (Entry& entry : batch) {
    if (!status->ok() || again) break;
    if (apart) {
      *status = RunAlone(entry);
      continue;
    }
    int64_t before = database_->total_changes();
    entry.status = entry.operation(*database_);
    if (entry.status.ok()) continue;
    if (!database_->in_transaction() || ConcernsAll(entry.status)) *status = entry.status;
    again = database_->total_changes() != before;
  }
  if (status->ok() && !again) *status = Do(*database_, "COMMIT");
  if (status->ok() && !again) return Outcome::kCommitted;
  if (database_->in_transaction()) (void)Do(*database_, "ROLLBACK");
  return status->ok() ? Outcome::kAgain : Outcome::kUndone;
}

void GroupCommitter::Commit(std::vector<Entry>& batch) {
  Status status;
  Outcome outcome = Try(batch, /*apart=*/false, &status);
  if (outcome == Outcome::kAgain) outcome = Try(batch, /*apart=*/true, &status);
  SetHealth(status);
  if (outcome == Outcome::kCommitted) return;
  for (Entry& entry : batch) entry.status = status;
}

}  // namespace ns
