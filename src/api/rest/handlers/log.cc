#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

// `?offset=N` leaves out the first N bytes: a client that follows a log asks for what is new.
void HandleLog(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto offset = QueryNumber(request, "offset", 0, INT64_MAX, 0, respond);
  if (!offset) return;
  auto file = service.Log(request.caller, *id);
  if (!file.ok()) return respond(ErrorResponse(file.status()));
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.file = *file;
  response.file_from = static_cast<uint64_t>(*offset);
  respond(std::move(response));
}

}  // namespace ns
