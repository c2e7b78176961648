#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "tasks/task_event.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

struct TokenOptions {
  std::string action;
  std::string name, role = "submit", workspace = "./ns_workspace";
  int days = 0;
  bool json = false;
};

Status CheckOptions(const TokenOptions& options) {
  if (options.action != "list" && options.name.empty()) {
    return InvalidArgument(fmt::format("token {} needs --name", options.action), "BAD_USAGE");
  }
  std::error_code ignored;
  if (options.action != "create" && !fs::is_directory(options.workspace, ignored)) {
    return InvalidArgument(fmt::format("there is no workspace '{}'; give the service's with --workspace", options.workspace), "NO_WORKSPACE");
  }
  return OkStatus();
}

int Create(const TokenOptions& options, const TokenHooks& hooks) {
  auto role = ParseRole(options.role).value_or(Role::kSubmit);
  auto text = hooks.create(options.workspace, options.name, role, options.days);
  if (!text.ok()) return Fail(text.status());
  if (options.json) return std::printf("%s\n", TokenCreatedJson(options.name, role, *text).c_str()), 0;
  std::printf("%s\n", text->c_str());
  std::fprintf(stderr, "This is shown once. Its holder sends it as 'Authorization: Bearer TOKEN', or sets NEURAL_SOLUTION_TOKEN for the command line.\n");
  return 0;
}

int List(const TokenOptions& options, const TokenHooks& hooks) {
  auto tokens = hooks.list(options.workspace);
  if (!tokens.ok()) return Fail(tokens.status());
  if (options.json) return std::printf("%s", TokenListJson(*tokens).c_str()), 0;
  if (tokens->empty()) return std::printf("no tokens; make one with 'neural_solution token create --name NAME'\n"), 0;
  std::printf("%-24s %-7s %-20s %s\n", "NAME", "ROLE", "CREATED", "EXPIRES");
  for (const TokenRecord& token : *tokens) {
    std::printf("%-24s %-7s %-20.19s %.19s\n", token.name.c_str(), std::string(RoleName(token.role)).c_str(), FormatTime(token.created).c_str(),
                token.expires ? FormatTime(*token.expires).c_str() : "never");
  }
  return 0;
}

int Revoke(const TokenOptions& options, const TokenHooks& hooks) {
  if (Status status = hooks.revoke(options.workspace, options.name); !status.ok()) return Fail(status);
  std::printf("%s\n", options.json ? TokenRevokedJson(options.name).c_str() : ("revoked " + options.name).c_str());
  return 0;
}

}  // namespace

void AddToken(CommandLine& line, const CliHooks& hooks) {
  auto options = std::make_shared<TokenOptions>();
  Command command = line.Add("token", "Make, list or revoke the tokens that let people in: token create|list|revoke", "Service");
  command.Option("action", &options->action, "create, list or revoke", /*required=*/true)
      .Option("--name", &options->name, "Whose token it is: what tasks, limits and the audit log call its holder")
      .Choice("--role", &options->role, {"submit", "read", "admin"},
              "create: submit (its own tasks), read (sees all, changes nothing) or admin (everything)")
      .Option("--days", &options->days, "create: days until it expires; 0: never", 0, 36'500)
      .Option("--workspace", &options->workspace, "The service's folder")
      .Flag("--json", &options->json, "Print JSON");
  command.Runs([options, tokens = hooks.tokens] {
    if (options->action != "create" && options->action != "list" && options->action != "revoke") {
      return Fail(InvalidArgument(fmt::format("token create, list or revoke, not '{}'", options->action), "BAD_USAGE"));
    }
    if (Status status = CheckOptions(*options); !status.ok()) return Fail(status);
    if (options->action == "create") return Create(*options, tokens);
    return options->action == "list" ? List(*options, tokens) : Revoke(*options, tokens);
  });
}

}  // namespace ns
