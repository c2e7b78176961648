// Whether a browser's request comes from a page of this service.
#pragma once

#include <string_view>

#include "api/rest/message.h"

namespace ns {

// False for a request that could change something or opens a WebSocket, and whose Origin header names another site than its Host header:
// a page somewhere must not be able to submit tasks to, or read logs from, a service on its reader's machine. Programs send no Origin.
bool IsSameOrigin(const Request& request);

// True when the Host header names this machine by an address, as "localhost" or by `own_name`, or is missing. A page may have the name that it came
// from resolve to 127.0.0.1 (DNS rebinding) and is then of the same origin, but cannot make the browser say another name.
bool IsOwnHost(const Request& request, std::string_view own_name);

}  // namespace ns
