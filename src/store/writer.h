// The one thread that writes. Private to store/.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/status.h"
#include "store/checkpointer.h"
#include "store/sqlite.h"

namespace ns {

// Runs queued operations in transactions: all that wait at once in one. An operation that fails is undone alone; when the commit or the
// disk fails, all operations of the transaction are undone and fail.
//
// A transaction's operations run without savepoints first, since nearly all succeed: when one fails after it has changed something, all are
// undone and run again with a savepoint each. So an operation may be called twice; it keeps what it captured.
class GroupCommitter {
 public:
  using Operation = std::function<Status(Database&)>;
  using Done = std::function<void(Status)>;

  explicit GroupCommitter(std::unique_ptr<Database> database);
  ~GroupCommitter();  // after what was queued

  void Queue(Operation operation, Done done);
  void Flush();

  // Why the last transaction could not be written; OK when it was, and before the first. Thread-safe.
  Status health() const;
  // The last transaction was written, and no longer ago than that. Thread-safe.
  bool WrittenWithin(std::chrono::seconds time) const;

 private:
  struct Entry {
    Operation operation;
    Done done;
    Status status;
  };
  enum class Outcome { kCommitted, kUndone, kAgain };

  void Run();
  void Commit(std::vector<Entry>& batch);
  Outcome Try(std::vector<Entry>& batch, bool apart, Status* status);
  Status RunAlone(Entry& entry);
  void SetHealth(const Status& status);

  std::unique_ptr<Database> database_;
  Histogram& commit_seconds_;
  Histogram& batch_size_;
  Gauge& waiting_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> queue_;
  Status health_;
  std::optional<std::chrono::steady_clock::time_point> written_;  // the last transaction that was
  bool stop_ = false;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace ns
