// Makes the zips of results on threads of its own: a big one keeps nobody waiting but those who want it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/status.h"

namespace ns {

// Thread-safe.
class ZipMaker {
 public:
  using Done = std::function<void(Status)>;
  explicit ZipMaker(int threads = 2);
  ~ZipMaker() { Stop(); }

  // `done` comes on one of its threads when `zip` is there (see ZipFolder() for the errors), or at once with Unavailable (DRAINING) after Stop(). Who asks
  // for a zip that waits or is being made shares it.
  void Make(const std::filesystem::path& folder, const std::filesystem::path& zip, Done done);
  // What waits or is being made is given up and told Unavailable (DRAINING); its last call has returned then. A second call does nothing.
  void Stop();

 private:
  struct Job {
    std::filesystem::path folder, zip;
  };
  void Run();
  std::vector<Done> TakeWaiting(const std::filesystem::path& zip);

  std::atomic<bool> stop_{false};  // set under the mutex
  std::mutex mutex_;               // over the next two
  std::deque<Job> queue_;
  std::map<std::filesystem::path, std::vector<Done>> waiting_;  // by zip
  std::condition_variable wake_;
  std::vector<std::thread> threads_;
};

}  // namespace ns
