// Lets go of what has ended, as the policy says: rows, events, folders and logs of tasks. Unfinished tasks are never touched.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/metrics.h"
#include "service/workspace.h"
#include "store/task_store.h"
#include "tasks/retention_policy.h"

namespace ns {

// A thread of its own. It looks every minute, works in small steps and rests between them, so that requests never wait for more than one
// step. A task's row goes first, durably, then its files: a crash in between leaves files that the next look removes.
class Retention {
 public:
  struct Options {
    RetentionPolicy policy;
    std::chrono::milliseconds interval{60'000};
    int step = 20;  // tasks in a step
  };
  // All references outlive it.
  Retention(const Options& options, const Workspace& workspace, TaskStore& store, const Clock& clock);
  ~Retention();

 private:
  void Run();
  // True: there is more to do.
  Result<bool> Step();
  Status RemoveFiles();
  Result<bool> Measure();
  Result<std::vector<std::string>> Exceeding() const;
  bool Rest(std::chrono::milliseconds time);

  const Options options_;
  const Workspace& workspace_;
  TaskStore& store_;
  const Clock& clock_;
  Counter& removed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ns
