#include "api/rest/handlers/handlers.h"

namespace ns {

void HandleHealth(const Request&, Responder respond) { respond(JsonResponse(200, R"({"status":"ok"})")); }

}  // namespace ns
