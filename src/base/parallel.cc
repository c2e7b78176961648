#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

namespace ns {

namespace {

struct Shared {
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::condition_variable changed;
  int running = 0;          // threads; guarded by mutex
  int64_t failed_job = -1;  // guarded by mutex
  Status failure;           // guarded by mutex
};

Status Do(const ParallelJob& job, int worker, int64_t number) {
  try {
    return job(worker, number);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("out of memory", "OUT_OF_MEMORY");
  }
}

void Work(Shared& shared, int worker, int64_t count, const ParallelJob& job, const std::stop_token& stop) {
  while (!shared.failed.load() && !stop.stop_requested()) {
    int64_t number = shared.next.fetch_add(1);
    if (number >= count) break;
    Status status = Do(job, worker, number);
    if (!status.ok()) {
      std::lock_guard lock(shared.mutex);
      if (shared.failed_job < 0 || number < shared.failed_job) {
        shared.failed_job = number;
        shared.failure = status;
      }
      shared.failed = true;
    }
    shared.done.fetch_add(1);
  }
  std::lock_guard lock(shared.mutex);
  --shared.running;
  shared.changed.notify_all();
}

}  // namespace

Status RunParallel(int64_t count, int threads, const ParallelJob& job, const std::function<void(int64_t done)>& progress,
                   std::stop_token stop) {
  Shared shared;
  int wanted = static_cast<int>(std::clamp<int64_t>(threads, 1, std::max<int64_t>(count, 1)));
  shared.running = wanted;
  std::vector<std::jthread> pool;
  try {
    while (static_cast<int>(pool.size()) < wanted) {
      int worker = wanted - 1 - static_cast<int>(pool.size());
      pool.emplace_back([&, worker] { Work(shared, worker, count, job, stop); });
    }
  } catch (const std::system_error&) {  // no room for another's stack
    if (pool.empty()) return ResourceExhausted("out of memory for a thread", "OUT_OF_MEMORY");
  }
  std::unique_lock lock(shared.mutex);
  shared.running -= wanted - static_cast<int>(pool.size());
  while (!shared.changed.wait_for(lock, std::chrono::milliseconds(100), [&] { return shared.running == 0; })) {
    if (progress) progress(shared.done.load());
  }
  if (shared.failed_job >= 0 && shared.failure.code() != StatusCode::kCancelled) return shared.failure;
  if (stop.stop_requested()) return Cancelled();
  return shared.failure;
}

}  // namespace ns
