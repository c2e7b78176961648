#include "api/rest/handlers/handlers.h"
#include "tasks/answers.h"

namespace ns {

void HandleHealth(TaskService&, const Request&, Responder respond) { respond(JsonResponse(200, R"({"status":"ok"})")); }

// Unlike a service that is alive, one that is ready does what it is asked: a balancer sends requests elsewhere otherwise.
void HandleReady(TaskService& service, const Request&, Responder respond) {
  service.CheckReady([respond](Status status) {
    respond(status.ok() ? JsonResponse(200, R"({"status":"ok"})") : JsonResponse(503, HealthJson(status.message())));
  });
}

}  // namespace ns
