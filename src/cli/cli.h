// The command line of `neural_solution`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/serve_options.h"
#include "tasks/answers.h"
#include "tasks/token.h"

namespace ns {

// The tokens of the workspace that is the first argument.
struct TokenHooks {
  // The new token's text. `days`: until it expires; 0: never.
  std::function<Result<std::string>(const std::string& workspace, const std::string& name, Role role, int days)> create;
  std::function<Result<std::vector<TokenRecord>>(const std::string& workspace)> list;
  std::function<Status(const std::string& workspace, const std::string& name)> revoke;
};

struct CliHooks {
  // Serves until told to stop; `ready` is called with the addresses once it answers.
  std::function<Status(const ServeOptions&, const std::function<void(const ServeRecord&)>& ready)> serve;
  std::string version;
  TokenHooks tokens;
};

// The exit code: 0 fine, 1 what was asked for failed, 2 the request itself was wrong.
int RunCli(int argc, char** argv, const CliHooks& hooks);

}  // namespace ns
