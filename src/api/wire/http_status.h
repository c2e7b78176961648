// Status to HTTP: the one table.
#pragma once

#include "api/rest/message.h"
#include "base/status.h"

namespace ns {

int HttpStatusOf(const Status& status);
// {"detail": message} with that status. Messages of internal errors are logged, not shown.
Response ErrorResponse(const Status& status);

}  // namespace ns
