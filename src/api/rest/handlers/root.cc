#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"

namespace ns {

void HandleRoot(TaskService&, const Request& request, Responder respond) {
  Response response = JsonResponse(200, MessageJson("Welcome to Neural Solution!"));
  if (PrefersHtml(request)) {
    response = HtmlPage("Neural Solution",
                        "<h1>Neural Solution</h1><p>Model optimization as a service.</p>"
                        "<ul><li><a href=\"/docs\">The API</a></li><li><a href=\"/clusters\">The cluster</a></li><li><a href=\"/tasks\">Tasks (JSON)</a></li></ul>");
  }
  response.headers.emplace_back("Vary", "Accept");
  respond(std::move(response));
}

}  // namespace ns
