// What the service shows of itself: its log, its numbers, and the port from which both health and numbers are read.
#pragma once

#include <memory>
#include <vector>

#include "api/access/admission.h"
#include "api/rest/server.h"
#include "base/status.h"
#include "cli/serve_options.h"
#include "service/access_control.h"
#include "service/task_service.h"

namespace ns {

// Whom the REST ports let in without a token.
Admission AdmissionOf(const ServeOptions& options);
// Whether everybody needs a token.
bool NeedsTokens(const ServeOptions& options);

// The log's place, level and form, as the options say.
Status OpenLog(const ServeOptions& options, const Workspace& workspace);

// Answers on the task monitor port as long as it lives: /metrics, /healthz, /readyz. All references outlive it.
class Watch {
 public:
  // A port that was not given moves to the next free one. AlreadyExists (PORT_IN_USE) for one that was.
  static Result<std::unique_ptr<Watch>> Start(const ServeOptions& options, const TaskStore& store, const Dispatcher& dispatcher, const NodeTable& nodes,
                                              TaskService& service, AccessControl& access, const std::string& version);
  ~Watch();

  uint16_t port() const { return server_->port(); }
  Status ReloadTls() { return server_->ReloadTls(); }

 private:
  Watch() = default;
  void Count(const TaskStore& store, const Dispatcher& dispatcher, const NodeTable& nodes);

  std::unique_ptr<RestServer> server_;
  std::vector<int> readers_;
};

}  // namespace ns
