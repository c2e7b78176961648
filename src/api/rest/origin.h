// Whether a browser's request comes from a page of this service.
#pragma once

#include "api/rest/message.h"

namespace ns {

// False for a request that could change something or opens a WebSocket, and whose Origin header names another site than its Host header:
// a page somewhere must not be able to submit tasks to, or read logs from, a service on its reader's machine. Programs send no Origin.
bool IsSameOrigin(const Request& request);

}  // namespace ns
