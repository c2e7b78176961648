// Moves what was committed from SQLite's write-ahead log into the database file, beside the writer instead of in its way. Private to store/.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/metrics.h"
#include "store/sqlite.h"

namespace ns {

// A thread with a connection of its own copies pages while the writer goes on, so that commits don't wait for it. The log starts over at its
// beginning, and so stays short, when all of it was copied at the moment of a commit; under a load without pauses that moment never comes by
// itself. Then the writer copies the little that is left, once in some megabytes of log. While somebody reads for long the log grows instead.
class Checkpointer {
 public:
  // Takes over from SQLite's own checkpoints. `writer` outlives this.
  explicit Checkpointer(Database& writer);
  ~Checkpointer();

  // On the writer's thread, after each transaction, outside of any.
  void Committed();

 private:
  void Run();
  void AwaitThread();

  Database& writer_;
  Histogram& seconds_;
  Gauge& log_pages_;
  int copied_at_ = 0;  // pages of the log when the thread was asked last
  int tried_at_ = 0;   // ... when the writer tried to start it over; 0: not yet
  std::mutex mutex_;   // over the three below
  bool asked_ = false, copying_ = false;
  bool stop_ = false;
  std::condition_variable wake_, rests_;
  std::unique_ptr<Database> own_;
  std::thread thread_;
};

}  // namespace ns
