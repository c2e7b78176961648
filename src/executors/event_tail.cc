#include "executors/event_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/log.h"

namespace ns {

namespace {
constexpr size_t kMaxLine = 1 << 20;  // a worker gone mad must not fill our memory
}

Result<std::vector<TaskEvent>> EventTail::ReadNew() {
  std::vector<TaskEvent> events;
  if (!file_.valid()) {
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_.valid() && errno == ENOENT) return events;
    if (!file_.valid()) return ErrnoStatus(errno, fmt::format("cannot read '{}'", path_.string()));
  }
  std::string buffer(1 << 16, '\0');
  while (true) {
    ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", path_.string()));
    if (got == 0) return events;
    rest_.append(buffer, 0, static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
      auto event = ParseTaskEvent(std::string_view(rest_).substr(start, end - start));
      if (!event.ok()) {
        LogWarning("'{}': {}", path_.string(), event.status().message());
      } else if (event->seq > last_seq_) {
        last_seq_ = event->seq;
        events.push_back(std::move(*event));
      }
    }
    rest_.erase(0, start);
    if (rest_.size() > kMaxLine) {
      LogWarning("'{}': a line of more than {} bytes is left out", path_.string(), kMaxLine);
      rest_.clear();
    }
  }
}

}  // namespace ns
