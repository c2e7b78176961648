#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

namespace {

Response AnswerFor(const Result<std::filesystem::path>& zip, std::optional<int> trial) {
  if (zip.ok()) {
    Response response;
    response.content_type = "application/octet-stream";
    std::string name = trial ? fmt::format("trial_{}.zip", *trial) : "quantized_model.zip";
    response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
    response.file = *zip;
    response.file_is_final = true;
    return response;
  }
  // As the original answers: an unknown task is 400, one that is not done 404.
  if (zip.status().reason() == "UNKNOWN_TASK") return JsonResponse(400, DetailJson("Please check URL"));
  if (zip.status().reason() == "NOT_DONE") return JsonResponse(404, DetailJson(zip.status().message() + ": file not found"));
  return ErrorResponse(zip.status());
}

}  // namespace

void HandleDownload(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  std::optional<int> trial;
  if (!id || !QueryTrial(request, &trial, respond)) return;
  service.Download(request.caller, *id, trial, [respond, trial](const Result<std::filesystem::path>& zip) { respond(AnswerFor(zip, trial)); });
}

}  // namespace ns
