#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"
#include "base/file.h"
#include "report/page.h"

namespace ns {

void HandleReport(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto file = service.ReportFile(request.caller, *id);
  if (!file.ok()) return respond(ErrorResponse(file.status()));
  Response response;
  response.file = *file;
  if (PrefersHtml(request)) {
    auto text = ReadFile(*file, 64 << 20);
    auto report = text.ok() ? ParseReport(*text) : Result<Report>(text.status());
    if (!report.ok()) return respond(ErrorResponse(Internal(report.status().ToString())));
    response = HtmlPage("Report of task " + *id, ReportPage(*id, *report));
  }
  response.headers.emplace_back("Vary", "Accept");
  respond(std::move(response));
}

}  // namespace ns
