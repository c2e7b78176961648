// The executors that this program has, by the name that --executor takes.
#pragma once

#include <memory>

#include "base/status.h"
#include "cli/serve_options.h"
#include "executors/local_executor.h"
#include "executors/node_plan.h"
#include "schedule/executor.h"
#include "service/workspace.h"

namespace ns {

// What an executor is made from.
struct ExecutorSetup {
  const ServeOptions& options;
  const Workspace& workspace;
  OutpostOptions outpost;      // of nodes that do not see the workspace
  LocalExecutorOptions local;  // how a worker is started on this machine: its supervisor, its steps, its sandbox
};

// InvalidArgument (NO_EXECUTOR) for one that this program does not have. Before anything is touched.
Status CheckExecutor(const ServeOptions& options);
Result<std::unique_ptr<Executor>> MakeExecutor(const ExecutorSetup& setup);

}  // namespace ns
