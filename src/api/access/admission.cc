#include "api/access/admission.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "api/rest/origin.h"

namespace ns {

namespace {

bool IsOpen(std::string_view path) {
  constexpr std::array<std::string_view, 6> kOpen = {"", "/ping", "/healthz", "/readyz", "/docs", "/openapi.json"};
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with("/docs/")) return true;
  return std::find(kOpen.begin(), kOpen.end(), path) != kOpen.end();
}

}  // namespace

std::function<Result<Caller>(const Request& request, const std::string& address)> AdmitBy(AccessControl& access, const Admission& admission) {
  return [&access, admission](const Request& request, const std::string& address) -> Result<Caller> {
    const std::string& authorization = request.Header("authorization");
    if (authorization.empty() && !admission.any_host && !IsOwnHost(request, admission.own_name)) {
      return Status(
          StatusCode::kPermissionDenied,
          fmt::format("this service is not called \"{}\": use its address, or start it with --require_tokens and send a token", request.Header("host")),
          "FOREIGN_HOST");
    }
    return access.Admit(authorization, address, IsOpen(request.path));
  };
}

}  // namespace ns
