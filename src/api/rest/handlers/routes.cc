#include <memory>

#include "api/rest/handlers/handlers.h"

namespace ns {

namespace {

using ServiceHandler = void (*)(TaskService&, const Request&, Responder);

Route To(TaskService& service, std::string method, std::string pattern, bool blocking, ServiceHandler handler) {
  return {std::move(method), std::move(pattern), blocking,
          [&service, handler](const Request& request, Responder respond) { handler(service, request, std::move(respond)); }};
}

}  // namespace

Router MakeRouter(TaskService& service) {
  constexpr bool kQuick = false, kBlocking = true;
  return Router({
      {"GET", "/", kQuick, HandleRoot},
      {"GET", "/healthz", kQuick, HandleHealth},
      To(service, "GET", "/ping", kQuick, HandlePing),
      To(service, "POST", "/task/submit", kBlocking, HandleSubmit),
      To(service, "GET", "/task/status/{id}", kBlocking, HandleStatus),
      To(service, "GET", "/task/log/{id}", kQuick, HandleLog),
      To(service, "GET", "/task", kBlocking, HandleTaskTable),
      To(service, "GET", "/tasks", kBlocking, HandleTaskList),
      To(service, "GET", "/task/{id}/report", kQuick, HandleReport),
      To(service, "GET", "/task/{id}/trials", kBlocking, HandleTrials),
      To(service, "POST", "/task/{id}/cancel", kQuick, HandleCancel),
      To(service, "GET", "/task/{id}", kBlocking, HandleTask),
      To(service, "GET", "/download/{id}", kBlocking, HandleDownload),
      To(service, "GET", "/cluster", kQuick, HandleCluster),
      To(service, "POST", "/cluster/nodes", kBlocking, HandleJoinNodes),
      To(service, "DELETE", "/cluster/nodes/{id}", kBlocking, HandleRemoveNode),
  });
}

}  // namespace ns
