// The two halves of a TaskStore. Private to store/.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/damage_check.h"
#include "store/record_cache.h"
#include "store/sqlite.h"
#include "store/store_metrics.h"
#include "store/task_store.h"
#include "store/writer.h"

namespace ns {

inline constexpr size_t kCachedRecords = 6'000;

class TaskStore::Writer {
 public:
  Writer(std::unique_ptr<Database> database, const Clock& time) : clock(time), committer(std::move(database)) {}

  // `done`, but first the task's record is forgotten and, when the write worked, `counted` is called and the listener hears that the task
  // has new events.
  Done Changing(const std::string& id, Done done, std::function<void()> counted) {
    return [this, id, done = std::move(done), counted = std::move(counted)](Status status) {
      cache.Drop(id);
      if (status.ok()) counted();
      if (status.ok() && changed) changed(id);
      if (done) done(std::move(status));
    };
  }

  const Clock& clock;
  std::function<void(const std::string&)> changed;
  RecordCache cache{kCachedRecords};
  StoreMetrics metrics;
  GroupCommitter committer;  // last: its thread uses the others
};

// A few connections, so that readers don't wait for each other.
class TaskStore::Reader {
 public:
  static constexpr size_t kMost = 4;

  explicit Reader(std::filesystem::path file) : file_(std::move(file)) {}

  // A connection, given back when it goes.
  class Lease {
   public:
    Lease(Reader& reader, std::unique_ptr<Database> database) : reader_(&reader), database_(std::move(database)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (database_ != nullptr) reader_->GiveBack(std::move(database_));
    }
    Database* operator->() const { return database_.get(); }
    Database& operator*() const { return *database_; }

   private:
    Reader* reader_;
    std::unique_ptr<Database> database_;
  };
  // Waits for one when all are in use.
  Result<Lease> Take();

 private:
  void GiveBack(std::unique_ptr<Database> database);

  const std::filesystem::path file_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::unique_ptr<Database>> free_;
  size_t open_ = 0;
};

}  // namespace ns
