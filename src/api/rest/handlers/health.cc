#include "api/rest/handlers/handlers.h"

namespace ns {

void HandleHealth(TaskService&, const Request&, Responder respond) { respond(JsonResponse(200, R"({"status":"ok"})")); }

// Unlike a service that is alive, one that is ready does what it is asked: a balancer sends requests elsewhere otherwise.
void HandleReady(TaskService& service, const Request& request, Responder respond) {
  if (!service.accepting()) return respond(JsonResponse(503, R"({"status":"failed","reason":"the service is stopping"})"));
  ListOptions any;
  any.limit = 1;
  if (!service.List(request.caller, any).ok()) return respond(JsonResponse(503, R"({"status":"failed","reason":"the store does not answer"})"));
  respond(JsonResponse(200, R"({"status":"ok"})"));
}

}  // namespace ns
