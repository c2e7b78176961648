// Keeps environments of scripts' requirements (environment_use.h) for the next task that needs them, within a size; the ones unused for longest
// go first.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace ns {

// On a thread of its own. Removes what failed builds left, too.
class EnvironmentCache {
 public:
  struct Options {
    std::filesystem::path folder;  // it may not be there yet
    uint64_t max_bytes = 0;        // those in use count, and stay
    std::chrono::milliseconds interval{60'000};  // between looks; the first comes at once
  };
  explicit EnvironmentCache(Options options);
  ~EnvironmentCache();

 private:
  struct Entry {
    std::filesystem::path folder;
    std::filesystem::file_time_type used;
    uint64_t bytes = 0;
  };
  void Run();
  void Trim();
  std::vector<Entry> Measure();

  const Options options_;
  std::map<std::filesystem::path, Entry> known_;  // complete ones, as they were found last: a big one has 30,000 files
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ns
