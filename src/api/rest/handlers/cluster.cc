#include <charconv>

#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"
#include "report/markup.h"
#include "tasks/cluster.h"

namespace ns {

void HandleCluster(TaskService& service, const Request&, Responder respond) { respond(JsonResponse(200, ClusterJson(service.Cluster()))); }

void HandleClusters(TaskService& service, const Request&, Responder respond) {
  std::string rows;
  for (const NodeView& node : service.Cluster()) {
    rows += fmt::format("<tr><td class=\"number\">{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>"
                        "<td class=\"number\">{}</td></tr>\n",
                        node.id, EscapeMarkup(node.spec.name), EscapeMarkup(NodeInfo(node)), EscapeMarkup(NodeStatus(node)), node.free, node.busy, node.free + node.busy);
  }
  respond(HtmlPage("Cluster", "<h1>Cluster</h1><p>A slot runs one worker.</p><table><tr><th>id</th><th>name</th><th>node</th><th>status</th><th>free slots</th><th>busy</th><th>total</th></tr>\n" +
                                  rows + "</table>\n"));
}

void HandleJoinNodes(TaskService& service, const Request& request, Responder respond) {
  if (!TakesJson(request, respond)) return;
  auto text = ParseJoinNodes(request.body);
  Status status = text.ok() ? service.JoinNodes(request.caller, *text) : text.status();
  if (!status.ok()) return respond(ErrorResponse(status));
  respond(JsonResponse(200, ClusterJson(service.Cluster())));
}

void HandleRemoveNode(TaskService& service, const Request& request, Responder respond) {
  std::string text = request.Value("id");
  int64_t id = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return respond(JsonResponse(422, DetailJson("Invalid node id")));
  Status status = service.RemoveNode(request.caller, id);
  if (!status.ok()) return respond(ErrorResponse(status));
  respond(JsonResponse(200, ClusterJson(service.Cluster())));
}

}  // namespace ns
