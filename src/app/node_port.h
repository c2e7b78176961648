// The result monitor port, for nodes that do not see the workspace.
#pragma once

#include <filesystem>
#include <memory>

#include "api/rest/server.h"
#include "base/clock.h"
#include "base/status.h"
#include "cli/serve_options.h"
#include "executors/node_plan.h"
#include "service/outpost_desk.h"
#include "service/workspace.h"

namespace ns {

// Nodes reach it on all addresses of this machine, or those of --team_network. Nobody is let in but outposts of tasks. One that does nothing where nodes
// share the workspace.
class NodePort {
 public:
  // A port that was not given is the one that this workspace's service had before, which workers that still run know, or the next free one. AlreadyExists
  // (PORT_IN_USE) for one that was; errors of ReachableAddresses(). References outlive it.
  static Result<std::unique_ptr<NodePort>> Listen(const ServeOptions& options, const Workspace& workspace, const Clock& clock);

  // How outposts are started that come here.
  Result<OutpostOptions> Outposts(const std::filesystem::path& program) const;
  void Serve();
  void Stop();

 private:
  explicit NodePort(const ServeOptions& options) : options_(options) {}

  const ServeOptions& options_;
  std::unique_ptr<OutpostDesk> desk_;
  std::vector<std::string> addresses_;
  std::unique_ptr<RestServer> server_;  // none: nodes share the workspace
};

}  // namespace ns
