#include "tasks/event_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace ns {
namespace fs = std::filesystem;

Result<std::unique_ptr<EventLog>> EventLog::Open(const fs::path& path, const Clock& clock) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  NS_ASSIGN_OR_RETURN(std::string content, ReadFile(path));
  size_t end = content.rfind('\n');
  size_t complete = end == std::string::npos ? 0 : end + 1;
  if (complete < content.size() && ::ftruncate(file.get(), static_cast<off_t>(complete)) != 0) {
    return ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  }
  uint64_t last_seq = 0;
  if (complete > 0) {
    size_t before = complete >= 2 ? content.rfind('\n', complete - 2) : std::string::npos;
    size_t start = before == std::string::npos ? 0 : before + 1;
    auto event = ParseTaskEvent(std::string_view(content).substr(start, complete - 1 - start));
    if (!event.ok()) {
      return Status(StatusCode::kDataLoss, fmt::format("'{}': {}", path.string(), event.status().message()), "BAD_EVENT");
    }
    last_seq = event->seq;
  }
  return std::unique_ptr<EventLog>(new EventLog(path, std::move(file), last_seq, clock));
}

Status EventLog::Append(EventPayload payload) {
  bool durable = std::holds_alternative<StateEvent>(payload) || std::holds_alternative<ResultEvent>(payload);
  std::lock_guard lock(mutex_);
  TaskEvent event{last_seq_ + 1, clock_.wall(), std::move(payload)};
  off_t before = ::lseek(file_.get(), 0, SEEK_END);
  Status status = before < 0 ? ErrnoStatus(errno, fmt::format("cannot write '{}'", path_.string()))
                             : WriteAll(file_.get(), TaskEventToJson(event) + "\n", path_);
  if (!status.ok()) {
    // A part of the line may be there (the disk became full on the way): the next line must not be glued to it.
    if (before >= 0) (void)!::ftruncate(file_.get(), before);
    return status;
  }
  ++last_seq_;
  return durable ? SyncFile(file_.get(), path_) : OkStatus();
}

uint64_t EventLog::last_seq() const {
  std::lock_guard lock(mutex_);
  return last_seq_;
}

}  // namespace ns
