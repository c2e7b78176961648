#include "service/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "tasks/audit_entry.h"

namespace ns {

Status AuditLog::Open() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat info {};
  if (!file_.valid() || ::fstat(file_.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path_.string()));
  written_ = static_cast<uint64_t>(info.st_size);
  return OkStatus();
}

void AuditLog::Record(const Caller& caller, std::string_view action, std::string_view object, const Status& outcome) {
  std::string reason = outcome.ok() ? "ok" : outcome.reason().empty() ? std::string(StatusCodeName(outcome.code())) : outcome.reason();
  std::string line = AuditEntryJson(clock_.wall(), caller, action, object, reason) + "\n";
  std::lock_guard lock(mutex_);
  if (file_.valid() && written_ + line.size() > max_bytes_) {
    std::error_code ignored;
    std::filesystem::rename(path_, path_.string() + ".1", ignored);
    file_.reset();
  }
  Status status = file_.valid() ? OkStatus() : Open();
  if (status.ok()) status = WriteAll(file_.get(), line, path_);  // one write(): lines of several processes do not mix
  if (!status.ok()) {
    LogError("audit: {}: {}", status.message(), line.substr(0, line.size() - 1));
    return;
  }
  written_ += line.size();
}

}  // namespace ns
