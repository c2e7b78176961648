// Lets go of uploads that nobody finished or uses, now and then, on a thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "service/file_store.h"
#include "store/task_store.h"

namespace ns {

class FileSweeper {
 public:
  struct Options {
    std::optional<std::chrono::seconds> retention;  // of files that no unfinished task needs, from their last use; none: they stay
    std::chrono::milliseconds interval{60'000};
  };
  // References outlive it.
  FileSweeper(const Options& options, FileStore& files, const TaskStore& store);
  ~FileSweeper();

 private:
  void Run();

  const Options options_;
  FileStore& files_;
  const TaskStore& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ns
