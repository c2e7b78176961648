#include "api/rest/handlers/handlers.h"
#include "api/rest/handlers/routes.h"
#include "api/rest/openapi.h"
#include "tasks/answers.h"

namespace ns {

// The files of web/docs, built in.
std::string_view DocsFile(std::string_view name);

void HandleOpenApi(TaskService&, const Request&, Responder respond) {
  static const std::string json = OpenApiJson(DescribedRoutes());
  respond(JsonResponse(200, json));
}

void HandleDescription(TaskService&, const Request&, Responder respond) {
  static const std::string json = DescriptionJson(DescribedRoutes());
  respond(JsonResponse(200, json));
}

void HandleDocs(TaskService&, const Request& request, Responder respond) {
  std::string name = request.Value("file").empty() ? "index.html" : request.Value("file");
  std::string_view content = DocsFile(name);
  if (content.empty()) return respond(JsonResponse(404, DetailJson("Not Found")));
  Response response;
  std::string type = name.ends_with(".js") ? "javascript" : name.ends_with(".css") ? "css" : "html";
  response.content_type = "text/" + type + "; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                "frame-ancestors 'none'");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.body = content;
  respond(std::move(response));
}

}  // namespace ns
