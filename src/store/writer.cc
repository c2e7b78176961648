#include "store/writer.h"

#include <future>

namespace ns {

GroupCommitter::GroupCommitter(std::unique_ptr<Database> database)
    : database_(std::move(database)), thread_([this] { Run(); }) {}

GroupCommitter::~GroupCommitter() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void GroupCommitter::Queue(Operation operation, Done done) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(operation), std::move(done), OkStatus()});
  }
  wake_.notify_one();
}

void GroupCommitter::Flush() {
  std::promise<void> reached;
  Queue([](Database&) { return OkStatus(); }, [&](Status) { reached.set_value(); });
  reached.get_future().wait();
}

void GroupCommitter::Run() {
  while (true) {
    std::vector<Entry> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    Commit(batch);
    for (Entry& entry : batch) {
      if (entry.done) entry.done(entry.status);
    }
  }
}

Status GroupCommitter::RunAlone(Entry& entry) {
  NS_RETURN_IF_ERROR(database_->Execute("SAVEPOINT operation"));
  entry.status = entry.operation(*database_);
  if (entry.status.ok()) return database_->Execute("RELEASE operation");
  // A full or failing disk concerns the whole transaction, anything else this operation only.
  if (!database_->in_transaction() || entry.status.code() == StatusCode::kResourceExhausted ||
      entry.status.code() == StatusCode::kUnavailable) {
    return entry.status;
  }
  return database_->Execute("ROLLBACK TO operation; RELEASE operation");
}

void GroupCommitter::Commit(std::vector<Entry>& batch) {
  Status status = database_->Execute("BEGIN IMMEDIATE");
  for (size_t i = 0; status.ok() && i < batch.size(); ++i) status = RunAlone(batch[i]);
  if (status.ok()) status = database_->Execute("COMMIT");
  if (status.ok()) return;
  if (database_->in_transaction()) (void)database_->Execute("ROLLBACK");
  for (Entry& entry : batch) entry.status = status;
}

}  // namespace ns
