#include <charconv>

#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"
#include "tasks/cluster.h"

namespace ns {

void HandleCluster(TaskService& service, const Request&, Responder respond) { respond(JsonResponse(200, ClusterJson(service.Cluster()))); }

void HandleJoinNodes(TaskService& service, const Request& request, Responder respond) {
  auto text = ParseJoinNodes(request.body);
  Status status = text.ok() ? service.JoinNodes(*text) : text.status();
  if (!status.ok()) return respond(ErrorResponse(status));
  respond(JsonResponse(200, ClusterJson(service.Cluster())));
}

void HandleRemoveNode(TaskService& service, const Request& request, Responder respond) {
  std::string text = request.Value("id");
  int64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return respond(JsonResponse(422, DetailJson("Invalid node id")));
  Status status = service.RemoveNode(id);
  if (!status.ok()) return respond(ErrorResponse(status));
  respond(JsonResponse(200, ClusterJson(service.Cluster())));
}

}  // namespace ns
