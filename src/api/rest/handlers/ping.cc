#include "api/rest/handlers/handlers.h"
#include "tasks/answers.h"

namespace ns {

void HandlePing(TaskService& service, const Request& request, Responder respond) {
  ListOptions any;
  any.limit = 1;
  auto stored = service.List(request.caller, any);
  if (!stored.ok()) return respond(JsonResponse(200, PingJson(false, stored.status().message())));
  if (!service.accepting()) return respond(JsonResponse(200, PingJson(false, "Neural Solution is stopping.")));
  respond(JsonResponse(200, PingJson(true, "Neural Solution is running.")));
}

}  // namespace ns
