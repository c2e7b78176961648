#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleRecipe(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  std::optional<int> trial;
  if (!id || !QueryTrial(request, &trial, respond)) return;
  auto file = service.RecipeFile(request.caller, *id, trial);
  if (!file.ok()) return respond(ErrorResponse(file.status()));
  Response response;
  response.file = *file;
  respond(std::move(response));
}

}  // namespace ns
