#include "base/status.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace ns {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "OK";
    case StatusCode::kCancelled: return "CANCELLED";
    case StatusCode::kUnknown: return "UNKNOWN";
    case StatusCode::kInvalidArgument: return "INVALID_ARGUMENT";
    case StatusCode::kDeadlineExceeded: return "DEADLINE_EXCEEDED";
    case StatusCode::kNotFound: return "NOT_FOUND";
    case StatusCode::kAlreadyExists: return "ALREADY_EXISTS";
    case StatusCode::kPermissionDenied: return "PERMISSION_DENIED";
    case StatusCode::kResourceExhausted: return "RESOURCE_EXHAUSTED";
    case StatusCode::kFailedPrecondition: return "FAILED_PRECONDITION";
    case StatusCode::kAborted: return "ABORTED";
    case StatusCode::kOutOfRange: return "OUT_OF_RANGE";
    case StatusCode::kUnimplemented: return "UNIMPLEMENTED";
    case StatusCode::kInternal: return "INTERNAL";
    case StatusCode::kUnavailable: return "UNAVAILABLE";
    case StatusCode::kDataLoss: return "DATA_LOSS";
    case StatusCode::kUnauthenticated: return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return *this;
  return Status(code_, fmt::format("{}: {}", context, message_), reason_, field_);
}

Status Status::WithField(std::string field) const {
  if (ok()) return *this;
  return Status(code_, message_, reason_, std::move(field));
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  if (reason_.empty()) return fmt::format("{}: {}", StatusCodeName(code_), message_);
  return fmt::format("{} [{}]: {}", StatusCodeName(code_), reason_, message_);
}

Status ErrnoStatus(int error, std::string what) {
  std::string message = fmt::format("{}: {}", what, std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Status(StatusCode::kNotFound, std::move(message), "FILE_NOT_FOUND");
    case EACCES:
    case EPERM:
    case EROFS: return Status(StatusCode::kPermissionDenied, std::move(message), "PERMISSION_DENIED");
    case EEXIST: return Status(StatusCode::kAlreadyExists, std::move(message), "ALREADY_EXISTS");
    case ENOSPC:
    case EDQUOT: return Status(StatusCode::kResourceExhausted, std::move(message), "DISK_FULL");
    case ENOMEM: return Status(StatusCode::kResourceExhausted, std::move(message), "OUT_OF_MEMORY");
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR: return Status(StatusCode::kInvalidArgument, std::move(message), "BAD_PATH");
    default: return Status(StatusCode::kInternal, std::move(message), "SYSTEM_ERROR");
  }
}

namespace internal {

void CheckFailed(const char* file, int line, const char* condition, const std::string& message) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s %s\n", file, line, condition, message.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace internal
}  // namespace ns
