// Access control in front of the REST handlers.
#pragma once

#include <functional>
#include <string>

#include "api/rest/message.h"
#include "base/status.h"
#include "service/access_control.h"

namespace ns {

// For RestServer::Options::admit; `access` outlives it. "/", "/ping", "/healthz", "/readyz", "/docs" and "/openapi.json" need no token: they
// tell that the service is there and how to talk to it, nothing of its tasks.
// Who sends no token where none is needed must name the machine as IsOwnHost() has it (PermissionDenied, FOREIGN_HOST), unless `any_host`.
struct Admission {
  std::string own_name;   // of this machine, beside its addresses and "localhost"
  bool any_host = false;
};
std::function<Result<Caller>(const Request& request, const std::string& address)> AdmitBy(AccessControl& access, const Admission& admission);

}  // namespace ns
