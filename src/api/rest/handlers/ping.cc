#include "api/rest/handlers/handlers.h"
#include "tasks/answers.h"

namespace ns {

void HandlePing(TaskService& service, const Request&, Responder respond) {
  service.CheckReady([respond](Status status) {
    respond(JsonResponse(200, PingJson(status.ok(), status.ok() ? "Neural Solution is running." : status.message())));
  });
}

}  // namespace ns
