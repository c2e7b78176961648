#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
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

void Work(Shared& shared, int worker, int64_t count, const ParallelJob& job, const std::stop_token& stop) {
  while (!shared.failed.load() && !stop.stop_requested()) {
    int64_t number = shared.next.fetch_add(1);
    if (number >= count) break;
    Status status = job(worker, number);
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
  shared.running = static_cast<int>(std::clamp<int64_t>(threads, 1, std::max<int64_t>(count, 1)));
  std::vector<std::jthread> pool;
  for (int worker = shared.running - 1; worker >= 0; --worker) {
    pool.emplace_back([&, worker] { Work(shared, worker, count, job, stop); });
  }
  std::unique_lock lock(shared.mutex);
  while (!shared.changed.wait_for(lock, std::chrono::milliseconds(100), [&] { return shared.running == 0; })) {
    if (progress) progress(shared.done.load());
  }
  if (shared.failed_job >= 0 && shared.failure.code() != StatusCode::kCancelled) return shared.failure;
  if (stop.stop_requested()) return Cancelled();
  return shared.failure;
}

}  // namespace ns
