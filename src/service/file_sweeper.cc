#include "service/file_sweeper.h"

#include "base/log.h"

namespace ns {

FileSweeper::FileSweeper(const Options& options, FileStore& files, const TaskStore& store)
    : options_(options), files_(files), store_(store), thread_([this] { Run(); }) {}

FileSweeper::~FileSweeper() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void FileSweeper::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, options_.interval, [&] { return stop_; })) return;
    }
    auto in_use = store_.InputsInUse();
    if (!in_use.ok()) {
      LogWarning("uploads: {}", in_use.status().ToString());
      continue;
    }
    files_.Sweep(options_.retention, [&](const std::filesystem::path& path) { return in_use->contains(path); });
  }
}

}  // namespace ns
