#include "api/wire/http_status.h"

#include "base/log.h"
#include "tasks/answers.h"

namespace ns {

int HttpStatusOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk: return 200;
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange: return 422;
    case StatusCode::kUnauthenticated: return 401;
    case StatusCode::kPermissionDenied: return 403;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
    case StatusCode::kCancelled:
    case StatusCode::kFailedPrecondition: return 409;
    case StatusCode::kResourceExhausted: return status.reason() == "DISK_FULL" ? 507 : status.reason() == "FILE_TOO_LARGE" ? 413 : 429;
    case StatusCode::kUnimplemented: return 501;
    case StatusCode::kUnavailable: return 503;
    case StatusCode::kDeadlineExceeded: return 504;
    case StatusCode::kUnknown:
    case StatusCode::kInternal:
    case StatusCode::kDataLoss: return 500;
  }
  return 500;
}

Response ErrorResponse(const Status& status) {
  int code = HttpStatusOf(status);
  if (code == 500) LogError("{}", status.ToString());
  Response response = JsonResponse(code, DetailJson(code == 500 ? "Internal Server Error" : status.message()));
  if (code == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (code == 429 && status.reason() == "RATE_LIMITED") {
    response.headers.emplace_back("Retry-After", "1");
  } else if (status.reason() == "TOO_MANY_BAD_TOKENS") {
    response.headers.emplace_back("Retry-After", "6");
  } else if (code == 503 || code == 429) response.headers.emplace_back("Retry-After", "5");
  return response;
}

}  // namespace ns
