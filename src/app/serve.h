// The service put together.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "cli/cli.h"
#include "tasks/answers.h"

namespace ns {

// Serves until a signal ends it: SIGTERM lets running tasks end for `grace_seconds`, SIGUSR1 as long as they take, SIGINT not at all; what
// is still running then is ended and waits for the next start. Call it in a process that has no other threads yet.
// AlreadyExists (ALREADY_RUNNING, PORT_IN_USE) and whatever keeps the service from starting.
Status Serve(const ServeOptions& options, const std::function<void(const ServeRecord&)>& ready);

// `token create|list|revoke`: they write the workspace's file, whether a service runs or not.
TokenHooks MakeTokenHooks();

}  // namespace ns
