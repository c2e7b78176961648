#pragma once

#include "api/rest/router.h"
#include "service/outpost_desk.h"

namespace ns {

// All calls of the result monitor port. Each shows the token of its task; the port lets in everybody who does. `desk` outlives the router.
Router MakeOutpostRouter(OutpostDesk& desk);

}  // namespace ns
