#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleRecipe(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto file = service.RecipeFile(request.caller, *id);
  if (!file.ok()) return respond(ErrorResponse(file.status()));
  Response response;
  response.file = *file;
  respond(std::move(response));
}

}  // namespace ns
