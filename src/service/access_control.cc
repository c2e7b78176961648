#include "service/access_control.h"

#include <algorithm>
#include <optional>

namespace ns {

namespace {

constexpr double kRefusalsPerSecond = 1.0 / 6, kRefusalBurst = 10;

// The token of "Bearer TOKEN" (RFC 6750; the scheme's case does not matter).
std::optional<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  bool same = std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char want, char got) {
    return want == (got >= 'A' && got <= 'Z' ? static_cast<char>(got - 'A' + 'a') : got);
  });
  if (!same) return std::nullopt;
  std::string_view token = authorization.substr(kScheme.size());
  size_t from = token.find_first_not_of(' '), to = token.find_last_not_of(' ');
  return from == std::string_view::npos ? "" : token.substr(from, to - from + 1);
}

Status TooMany(std::chrono::milliseconds wait, std::string_view what, std::string reason) {
  return ResourceExhausted(fmt::format("{}; try again in {} s", what, (wait.count() + 999) / 1000), std::move(reason));
}

}  // namespace

AccessControl::AccessControl(const Options& options, const TokenFile& tokens, AuditLog& audit, const Clock& clock)
    : options_(options),
      tokens_(tokens),
      audit_(audit),
      clock_(clock),
      requests_({options.requests_per_second, std::max(1.0, 2 * options.requests_per_second)}),
      refusals_({kRefusalsPerSecond, kRefusalBurst}) {}

Status AccessControl::Refused(const Status& why, const std::string& address) {
  {
    std::lock_guard lock(mutex_);
    (void)refusals_.Take(address, clock_.steady());
  }
  audit_.Record({"", Role::kRead, address}, "authenticate", "", why);
  return why;
}

Result<Caller> AccessControl::Identify(std::string_view authorization, const std::string& address, bool open) {
  if (authorization.empty()) {
    if (!options_.tokens_required) return Caller{"", Role::kAdmin, address};
    if (open) return Caller{"", Role::kRead, address};
    return Status(StatusCode::kUnauthenticated,
                  "this service wants a token: send 'Authorization: Bearer TOKEN' (the command line takes it from NEURAL_SOLUTION_TOKEN)",
                  "NO_TOKEN");
  }
  {
    std::lock_guard lock(mutex_);
    auto wait = refusals_.Peek(address, clock_.steady());
    if (wait.count() > 0) return TooMany(wait, "too many wrong tokens came from your address", "TOO_MANY_BAD_TOKENS");
  }
  auto token = BearerToken(authorization);
  if (!token) {
    return Refused(Status(StatusCode::kUnauthenticated, "the authorization must read 'Bearer TOKEN'", "BAD_TOKEN"), address);
  }
  auto record = tokens_.Check(*token, clock_.wall());
  if (record.ok()) return Caller{record->name, record->role, address};
  if (record.status().code() == StatusCode::kUnauthenticated) return Refused(record.status(), address);
  return Unavailable(record.status().message(), record.status().reason());
}

Result<Caller> AccessControl::Admit(std::string_view authorization, const std::string& address, bool open) {
  NS_ASSIGN_OR_RETURN(Caller caller, Identify(authorization, address, open));
  if (options_.requests_per_second <= 0 || open) return caller;
  std::lock_guard lock(mutex_);
  auto wait = requests_.Take(caller.name.empty() ? address : "token " + caller.name, clock_.steady());
  if (wait.count() > 0) return TooMany(wait, fmt::format("more than {} requests a second", options_.requests_per_second), "RATE_LIMITED");
  return caller;
}

}  // namespace ns
