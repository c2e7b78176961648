#include "service/log_feed.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <set>

namespace ns {

namespace {

constexpr int kAnywayMs = 1'000;

// "task_<id>.txt" to id; "" when it is no log.
std::string TaskOf(std::string_view name) {
  if (!name.starts_with("task_") || !name.ends_with(".txt") || name.size() <= 9) return "";
  return std::string(name.substr(5, name.size() - 9));
}

}  // namespace

LogFeed::~LogFeed() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    ::eventfd_write(kick_.get(), 1);
  }
  thread_.join();
}

EventFeed::Subscription LogFeed::Subscribe(const std::string& task, EventFeed::Wake wake) {
  auto subscription = feed_.Subscribe(task, std::move(wake));
  Watch();
  return subscription;
}

void LogFeed::Watch() {
  std::lock_guard lock(mutex_);
  if (!thread_.joinable()) {
    inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    kick_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    thread_ = std::thread([this] { Run(); });
  }
  if (watch_ >= 0) return;
  if (inotify_.valid()) watch_ = ::inotify_add_watch(inotify_.get(), folder_.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  ::eventfd_write(kick_.get(), 1);
}

void LogFeed::Run() {
  while (true) {
    int wait = -1;
    {
      std::lock_guard lock(mutex_);
      if (stop_) return;
      if (feed_.followers() > 0) {
        wait = kAnywayMs;
      } else if (watch_ >= 0) {  // a subscription that comes meanwhile finds it gone and watches again
        ::inotify_rm_watch(inotify_.get(), watch_);
        watch_ = -1;
      }
    }
    std::array<pollfd, 2> ready{{{kick_.get(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
    int count = ::poll(ready.data(), inotify_.valid() ? 2 : 1, wait);
    if (count == 0) feed_.ChangedAll();
    eventfd_t ignored;
    if (ready[0].revents != 0) ::eventfd_read(kick_.get(), &ignored);
    if (ready[1].revents != 0) ReadNews();
  }
}

void LogFeed::ReadNews() {
  alignas(inotify_event) std::array<char, 16 << 10> buffer;
  std::set<std::string> changed;
  bool lost = false;
  for (ssize_t got; (got = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0;) {
    for (ssize_t at = 0; at < got;) {
      auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      lost = lost || (event->mask & IN_Q_OVERFLOW) != 0;
      if (event->len > 0) changed.insert(TaskOf(event->name));
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    }
  }
  if (lost) return feed_.ChangedAll();
  for (const std::string& task : changed) feed_.Changed(task);
}

}  // namespace ns
