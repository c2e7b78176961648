#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleTask(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto view = service.GetTask(request.caller, *id);
  if (!view.ok()) return respond(ErrorResponse(view.status()));
  respond(JsonResponse(200, TaskAnswerJson(ToAnswer(*view, request))));
}

}  // namespace ns
