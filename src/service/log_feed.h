// Wakes whoever follows a task's log, when something was written to it. The logs are written by the workers themselves, so the folder of
// logs is watched (inotify); once a second followers are woken anyway, for file systems that other machines write to.
// Thread-safe.
#pragma once

#include <filesystem>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "service/event_feed.h"

namespace ns {

class LogFeed {
 public:
  // `folder` holds task_<id>.txt. Nothing runs before the first subscription.
  explicit LogFeed(std::filesystem::path folder) : folder_(std::move(folder)) {}
  ~LogFeed();

  // As EventFeed's. The log need not be there yet.
  [[nodiscard]] EventFeed::Subscription Subscribe(const std::string& task, EventFeed::Wake wake);

 private:
  void Watch();
  void Run();
  void ReadNews();

  const std::filesystem::path folder_;
  EventFeed feed_;
  std::mutex mutex_;          // over the rest
  FileDescriptor inotify_;    // not valid where the system has none to give: then the clock alone wakes
  FileDescriptor kick_;       // eventfd: look at what changed here
  int watch_ = -1;            // of the folder; only while somebody follows
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace ns
