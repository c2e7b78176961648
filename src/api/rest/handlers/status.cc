#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleStatus(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto view = service.GetTask(request.caller, *id);
  if (view.ok()) return respond(JsonResponse(200, StatusAnswerJson(ToAnswer(*view, request))));
  if (view.status().code() == StatusCode::kNotFound) return respond(JsonResponse(200, UnknownStatusJson()));
  respond(ErrorResponse(view.status()));
}

bool StatusAtOnce(TaskService& service, const Request& request, const Responder& respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return true;
  auto view = service.GetTaskFromMemory(request.caller, *id);
  if (view) respond(JsonResponse(200, StatusAnswerJson(ToAnswer(*view, request))));
  return view.has_value();
}

}  // namespace ns
