#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleCancel(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  service.Cancel(request.caller, *id, [respond, id = *id](Status status) {
    if (!status.ok()) return respond(ErrorResponse(status));
    respond(JsonResponse(200, CancelAnswerJson(id)));
  });
}

}  // namespace ns
