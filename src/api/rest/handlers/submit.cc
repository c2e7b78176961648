#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleSubmit(TaskService& service, const Request& request, Responder respond) {
  if (!TakesJson(request, respond)) return;
  ParsedTaskSpec parsed = ParseTaskSpec(request.body);
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) return respond(JsonResponse(422, FieldErrorsToJson(*errors)));
  TaskSpec spec = std::get<TaskSpec>(std::move(parsed));
  std::string key = request.Header("idempotency-key");
  if (spec.idempotency_key.empty()) spec.idempotency_key = key;
  if (key.size() > 200 || (!key.empty() && key != spec.idempotency_key)) {
    FieldError wrong{{"header", "Idempotency-Key"}, "must be at most 200 bytes and the same as idempotency_key in the body", "value_error"};
    return respond(JsonResponse(422, FieldErrorsToJson({wrong})));
  }
  service.Submit(request.caller, spec, [respond](SubmitOutcome outcome) {
    if (!outcome.errors.empty()) return respond(JsonResponse(422, FieldErrorsToJson(outcome.errors)));
    if (!outcome.status.ok()) return respond(ErrorResponse(outcome.status));
    respond(JsonResponse(200, SubmitAnswerJson(outcome.task_id)));
  });
}

}  // namespace ns
