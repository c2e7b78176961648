#include "api/access/admission.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace ns {

namespace {

bool IsOpen(std::string_view path) {
  constexpr std::array<std::string_view, 6> kOpen = {"", "/ping", "/healthz", "/readyz", "/docs", "/openapi.json"};
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with("/docs/")) return true;
  return std::find(kOpen.begin(), kOpen.end(), path) != kOpen.end();
}

}  // namespace

std::function<Result<Caller>(const Request& request, const std::string& address)> AdmitBy(AccessControl& access) {
  return [&access](const Request& request, const std::string& address) {
    return access.Admit(request.Header("authorization"), address, IsOpen(request.path));
  };
}

}  // namespace ns
