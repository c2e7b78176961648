#include "api/rest/handlers/handlers.h"
#include "tasks/answers.h"

namespace ns {

void HandleRoot(const Request&, Responder respond) { respond(JsonResponse(200, MessageJson("Welcome to Neural Solution!"))); }

}  // namespace ns
