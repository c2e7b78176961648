// How everything of ours reports failure: Status, and Result<T> for a value or a Status.
//
// A Status carries a code (google.rpc numbers, so that it maps to gRPC one to one), a message for people that says what failed, on
// which object and what was expected, a stable machine-readable reason ("UNKNOWN_APPROACH") and, where a request field is to blame, its
// JSON path ("arguments[2]"). Exceptions of libraries are caught in the folder that wraps them and become a Status there.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace ns {

enum class StatusCode {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "INVALID_ARGUMENT" and so on, as google.rpc spells them.
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // ok
  Status(StatusCode code, std::string message, std::string reason = "", std::string field = "")
      : code_(code), message_(std::move(message)), reason_(std::move(reason)), field_(std::move(field)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& reason() const { return reason_; }
  const std::string& field() const { return field_; }

  // The same failure with "context: " before its message; ok stays ok.
  Status WithContext(std::string_view context) const;
  Status WithField(std::string field) const;

  // "INVALID_ARGUMENT [UNKNOWN_APPROACH]: message", for logs.
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
  std::string reason_;
  std::string field_;
};

inline Status OkStatus() { return Status(); }
inline Status InvalidArgument(std::string message, std::string reason = "", std::string field = "") {
  return Status(StatusCode::kInvalidArgument, std::move(message), std::move(reason), std::move(field));
}
inline Status NotFound(std::string message, std::string reason = "") {
  return Status(StatusCode::kNotFound, std::move(message), std::move(reason));
}
inline Status FailedPrecondition(std::string message, std::string reason = "") {
  return Status(StatusCode::kFailedPrecondition, std::move(message), std::move(reason));
}
inline Status ResourceExhausted(std::string message, std::string reason = "") {
  return Status(StatusCode::kResourceExhausted, std::move(message), std::move(reason));
}
inline Status Unavailable(std::string message, std::string reason = "") {
  return Status(StatusCode::kUnavailable, std::move(message), std::move(reason));
}
inline Status Internal(std::string message, std::string reason = "") {
  return Status(StatusCode::kInternal, std::move(message), std::move(reason));
}
inline Status Cancelled(std::string message = "stopped", std::string reason = "STOPPED") {
  return Status(StatusCode::kCancelled, std::move(message), std::move(reason));
}

// The Status of a failed system call: errno mapped to a code, ENOSPC and EDQUOT to kResourceExhausted (DISK_FULL).
// Message: "`what`: strerror text".
Status ErrnoStatus(int error, std::string what);

// A T, or the Status that says why there is none (never ok).
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }

  // Broken invariant (NS_CHECK) unless ok().
  const T& value() const&;
  T& value() &;
  T&& value() &&;
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }
  T value_or(T other) const& { return ok() ? std::get<0>(state_) : std::move(other); }

 private:
  std::variant<T, Status> state_;
};

namespace internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition, const std::string& message);
}  // namespace internal

// A broken invariant: prints where and why, then aborts. Never for bad input.
#define NS_CHECK(condition, ...)                                                                                  \
  do {                                                                                                            \
    if (!(condition)) ::ns::internal::CheckFailed(__FILE__, __LINE__, #condition, std::string(__VA_OPT__(fmt::format(__VA_ARGS__)))); \
  } while (false)

#define NS_RETURN_IF_ERROR(expression)                  \
  do {                                                  \
    if (::ns::Status ns_status_ = (expression); !ns_status_.ok()) return ns_status_; \
  } while (false)

#define NS_INTERNAL_CONCAT2(a, b) a##b
#define NS_INTERNAL_CONCAT(a, b) NS_INTERNAL_CONCAT2(a, b)
// NS_ASSIGN_OR_RETURN(auto x, Function());
#define NS_ASSIGN_OR_RETURN(target, expression) \
  NS_INTERNAL_ASSIGN_OR_RETURN(NS_INTERNAL_CONCAT(ns_result_, __LINE__), target, expression)
#define NS_INTERNAL_ASSIGN_OR_RETURN(result, target, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return result.status();                      \
  target = std::move(result).value()

template <typename T>
const T& Result<T>::value() const& {
  NS_CHECK(ok(), "value() of a failed Result: {}", std::get<1>(state_).ToString());
  return std::get<0>(state_);
}
template <typename T>
T& Result<T>::value() & {
  NS_CHECK(ok(), "value() of a failed Result: {}", std::get<1>(state_).ToString());
  return std::get<0>(state_);
}
template <typename T>
T&& Result<T>::value() && {
  NS_CHECK(ok(), "value() of a failed Result: {}", std::get<1>(state_).ToString());
  return std::get<0>(std::move(state_));
}

}  // namespace ns
