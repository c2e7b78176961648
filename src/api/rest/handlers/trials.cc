#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleTrials(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto trials = service.Trials(request.caller, *id);
  if (!trials.ok()) return respond(ErrorResponse(trials.status()));
  respond(JsonResponse(200, TrialsJson(*trials)));
}

}  // namespace ns
