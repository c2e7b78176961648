#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleDownload(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  std::optional<int> trial;
  if (!id || !QueryTrial(request, &trial, respond)) return;
  auto zip = service.Download(request.caller, *id, trial);
  if (zip.ok()) {
    Response response;
    response.content_type = "application/octet-stream";
    response.headers.emplace_back("Content-Disposition", trial ? fmt::format("attachment; filename=\"trial_{}.zip\"", *trial) : "attachment; filename=\"quantized_model.zip\"");
    response.file = *zip;
    response.file_is_final = true;
    return respond(std::move(response));
  }
  // As the original answers: an unknown task is 400, one that is not done 404.
  if (zip.status().reason() == "UNKNOWN_TASK") return respond(JsonResponse(400, DetailJson("Please check URL")));
  if (zip.status().reason() == "NOT_DONE") return respond(JsonResponse(404, DetailJson(zip.status().message() + ": file not found")));
  respond(ErrorResponse(zip.status()));
}

}  // namespace ns
