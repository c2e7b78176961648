// Who did what, from where, and how it ended: one JSON object a line, in serve_log/audit.log.
//   {"time": ..., "caller": "ann", "role": "submit", "address": "10.0.0.7", "action": "submit", "object": "<task id>", "outcome": "ok"}
// `outcome` is "ok" or the reason of the failure. Reads are not recorded; what changes something and refused tokens are.
#pragma once

#include <filesystem>
#include <mutex>
#include <string_view>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "tasks/caller.h"

namespace ns {

// Thread-safe; several processes may append to one file.
class AuditLog {
 public:
  // A file that has grown beyond `max_bytes` is kept as FILE.1 (replacing an older one) and a new one begun.
  AuditLog(std::filesystem::path file, const Clock& clock, uint64_t max_bytes = 256 << 20)
      : path_(std::move(file)), clock_(clock), max_bytes_(max_bytes) {}

  // A line that cannot be written is told in the service's log: what was done stays done.
  void Record(const Caller& caller, std::string_view action, std::string_view object, const Status& outcome);

 private:
  Status Open();

  const std::filesystem::path path_;
  const Clock& clock_;
  const uint64_t max_bytes_;
  std::mutex mutex_;  // over the next two
  FileDescriptor file_;
  uint64_t written_ = 0;
};

}  // namespace ns
