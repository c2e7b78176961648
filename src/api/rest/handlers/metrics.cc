#include "api/rest/handlers/handlers.h"
#include "base/metrics.h"

namespace ns {

void HandleMetrics(TaskService&, const Request&, Responder respond) {
  Response response = JsonResponse(200, Metrics().Text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  respond(std::move(response));
}

}  // namespace ns
