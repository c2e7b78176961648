// Looks for damage after an end that was not clean. Private to store/.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/status.h"
#include "store/sqlite.h"

namespace ns {

// Reads the whole store in a thread of its own, at the lowest priority: a large one takes longer than a start may.
class DamageCheck {
 public:
  // null: nothing is looked for.
  explicit DamageCheck(std::unique_ptr<Database> database);
  // Breaks off.
  ~DamageCheck();

  // OK while it looks and when it found nothing; DataLoss (STORE_DAMAGED). Thread-safe.
  Status found() const;
  // Returns when it has looked.
  void Wait();

 private:
  void Run();

  const std::unique_ptr<Database> database_;
  mutable std::mutex mutex_;  // over the two below
  std::condition_variable wake_;
  Status found_;
  bool ended_;
  std::thread thread_;
};

// True when the store's last user did not close it: its log is still there. To be asked before the store is opened.
bool EndedUncleanly(const std::filesystem::path& store_file);

}  // namespace ns
