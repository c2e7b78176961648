#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"

namespace ns {

void HandleRoot(TaskService&, const Request& request, Responder respond) {
  Response response = JsonResponse(200, MessageJson("Welcome to Neural Solution!"));
  if (PrefersHtml(request)) {
    response = HtmlPage("Neural Solution",
                        "<h1>Model optimization as a service</h1><p>Submit a model with data and the accuracy that you can live with; get back the fastest "
                        "model that keeps it.</p><ul><li><a href=\"/docs\">The API</a>: every call, with a form that sends it</li>"
                        "<li><a href=\"/clusters\">The cluster</a>: nodes and their slots</li><li><a href=\"/tasks\">The tasks</a>, as JSON</li>"
                        "<li><a href=\"/metrics\">Metrics</a>, as Prometheus reads them</li></ul>");
  }
  response.headers.emplace_back("Vary", "Accept");
  respond(std::move(response));
}

}  // namespace ns
