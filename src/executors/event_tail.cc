#include "executors/event_tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/log.h"

namespace ns {

namespace {
constexpr size_t kMaxLine = 1 << 20;  // a worker gone mad must not fill our memory
constexpr int kMostWarnings = 5;      // ... nor our log
}  // namespace

Result<std::vector<TaskEvent>> EventTail::ReadNew() {
  std::vector<TaskEvent> events;
  more_ = false;
  if (!file_.valid()) {
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_.valid() && errno == ENOENT) return events;
    if (!file_.valid()) return ErrnoStatus(errno, fmt::format("cannot read '{}'", path_.string()));
  }
  std::string buffer(1 << 16, '\0');
  for (size_t taken = 0; taken < kMostAtOnce;) {
    if (read_ >= kMostInAll) return events;
    ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", path_.string()));
    if (got == 0) return events;
    taken += static_cast<size_t>(got);
    read_ += static_cast<size_t>(got);
    if (read_ >= kMostInAll) Warn(fmt::format("what comes after {} bytes is not read", read_));
    rest_.append(buffer, 0, static_cast<size_t>(got));
    TakeLines(&events);
  }
  more_ = true;
  return events;
}

void EventTail::TakeLines(std::vector<TaskEvent>* events) {
  size_t start = 0;
  for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1) {
    if (std::exchange(skipping_, false)) continue;  // the end of it
    auto event = ParseTaskEvent(std::string_view(rest_).substr(start, end - start));
    if (event.ok() && end - start > kMostBytes) {
      std::string type(EventTypeName(event->payload));
      event->payload = NoteEvent{fmt::format("a {} event of {} bytes was left out: {} are the most", type, end - start, kMostBytes), true};
    }
    if (!event.ok()) {
      Warn(event.status().message());
    } else if (event->seq > last_seq_) {
      last_seq_ = event->seq;
      events->push_back(std::move(*event));
    }
  }
  rest_.erase(0, start);
  if (rest_.size() <= kMaxLine && !skipping_) return;
  if (!std::exchange(skipping_, true)) Warn(fmt::format("a line of more than {} bytes is left out", kMaxLine));
  rest_.clear();
}

void EventTail::Warn(const std::string& text) {
  if (++warnings_ > kMostWarnings) return;
  LogWarning("'{}': {}{}", path_.string(), text, warnings_ == kMostWarnings ? "; no more is told of this file" : "");
}

}  // namespace ns
