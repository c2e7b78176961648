// The one thread that writes. Private to store/.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/status.h"
#include "store/sqlite.h"

namespace ns {

// Runs queued operations in transactions: all that wait at once in one. An operation that fails is undone alone; when the commit or the
// disk fails, all operations of the transaction are undone and fail.
class GroupCommitter {
 public:
  using Operation = std::function<Status(Database&)>;
  using Done = std::function<void(Status)>;

  explicit GroupCommitter(std::unique_ptr<Database> database);
  ~GroupCommitter();  // after what was queued

  void Queue(Operation operation, Done done);
  void Flush();

 private:
  struct Entry {
    Operation operation;
    Done done;
    Status status;
  };
  void Run();
  void Commit(std::vector<Entry>& batch);
  Status RunAlone(Entry& entry);

  std::unique_ptr<Database> database_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> queue_;
  bool stop_ = false;
  std::thread thread_;  // last: starts when all else is there
};

}  // namespace ns
