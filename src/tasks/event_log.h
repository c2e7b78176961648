// The worker's side of events.jsonl: numbers events, appends a line each, flushed at once.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "tasks/task_event.h"

namespace ns {

// Thread-safe.
class EventLog {
 public:
  // Opens `path` for appending, making it when it is not there; goes on after the last complete line's seq (a torn last line, left by a
  // crash, is cut off). Errors of the file; DataLoss (BAD_EVENT) when a complete line cannot be read.
  static Result<std::unique_ptr<EventLog>> Open(const std::filesystem::path& path, const Clock& clock);

  // Appends one event with the next seq; a single write(2), so a reader never sees half of one followed by another. State and result
  // events are fsynced before this returns. When the line cannot be written whole (ResourceExhausted, DISK_FULL), the file is as before and
  // the seq is given to the next event.
  Status Append(EventPayload payload);

  uint64_t last_seq() const;

 private:
  EventLog(std::filesystem::path path, FileDescriptor file, uint64_t last_seq, const Clock& clock)
      : path_(std::move(path)), file_(std::move(file)), last_seq_(last_seq), clock_(clock) {}

  const std::filesystem::path path_;
  mutable std::mutex mutex_;
  FileDescriptor file_;
  uint64_t last_seq_;
  const Clock& clock_;
};

}  // namespace ns
