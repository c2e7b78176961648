// The writes of tasks to the store, in the order in which they were made: a write that fails for a passing reason (a full disk) is
// repeated until it works, and later writes of the same task wait for it. Otherwise a later batch of events would be stored first and the
// repeated one be taken for old. Tasks do not wait for each other.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "base/status.h"

namespace ns {

// Of one thread, the one that `post` runs messages on.
class TaskWrites {
 public:
  using Message = std::function<void()>;
  using Done = std::function<void(Status)>;
  struct Thread {
    std::function<void(Message)> post;                                   // callable from any thread
    std::function<void(std::chrono::milliseconds, Message)> post_later;  // the same, after a time
  };
  static constexpr std::chrono::milliseconds kRetry{1'000};

  explicit TaskWrites(Thread thread) : thread_(std::move(thread)) {}

  // Makes `write` when all earlier ones of `task` are done; it tells its end by its argument, on any thread, once. Then `then`, on our
  // thread; without one a failure is logged. What the store refuses (FailedPrecondition, NotFound, InvalidArgument) has failed; anything else is
  // logged and repeated every second. `delayed` is called with the first such failure of this write or of one before it, once, on our thread.
  void Add(const std::string& task, std::string what, std::function<void(Done)> write, Done then = {}, Done delayed = {});

  // No write is under way or waits, but for tasks whose first one is failing now.
  bool idle() const;

 private:
  struct Entry {
    std::string what;
    std::function<void(Done)> write;
    Done then, delayed;
  };
  struct Queue {
    std::deque<Entry> entries;  // the first is under way
    Status failure;             // of the first; OK: it has not failed
  };
  void MakeFirst(const std::string& task);
  void Ended(const std::string& task, const Status& status);
  void TryAgain(const std::string& task, Queue& queue);

  const Thread thread_;
  std::map<std::string, Queue> queues_;  // none is empty
};

}  // namespace ns
