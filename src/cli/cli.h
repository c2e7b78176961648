// The command line of `neural_solution`.
#pragma once

#include <functional>
#include <string>

#include "base/status.h"
#include "cli/serve_options.h"

namespace ns {

struct CliHooks {
  // Serves until told to stop; `ready` is called with the address once it answers.
  std::function<Status(const ServeOptions&, const std::function<void(const std::string& url)>& ready)> serve;
  std::string version;
};

// The exit code: 0 fine, 1 what was asked for failed, 2 the request itself was wrong.
int RunCli(int argc, char** argv, const CliHooks& hooks);

}  // namespace ns
