#include <filesystem>

#include "app/serve.h"
#include "service/audit_log.h"
#include "service/token_file.h"
#include "service/workspace.h"

namespace ns {

namespace {

TokenFile TokensOf(const Workspace& workspace) { return TokenFile(workspace.tokens_file()); }

Caller Shell() { return LocalCaller(); }

}  // namespace

TokenHooks MakeTokenHooks() {
  TokenHooks hooks;
  hooks.create = [](const std::string& root, const std::string& name, Role role, int days) -> Result<std::string> {
    NS_ASSIGN_OR_RETURN(Workspace workspace, Workspace::Create(root));
    SystemClock clock;
    std::optional<WallTime> expires;
    if (days > 0) expires = clock.wall() + std::chrono::hours(24) * days;
    auto text = TokensOf(workspace).Create(name, role, clock.wall(), expires);
    AuditLog(workspace.audit_log(), clock).Record(Shell(), "token create", name, text.status());
    return text;
  };
  hooks.list = [](const std::string& root) -> Result<std::vector<TokenRecord>> {
    NS_ASSIGN_OR_RETURN(Workspace workspace, Workspace::Create(root));
    return TokensOf(workspace).List();
  };
  hooks.revoke = [](const std::string& root, const std::string& name) -> Status {
    NS_ASSIGN_OR_RETURN(Workspace workspace, Workspace::Create(root));
    SystemClock clock;
    Status status = TokensOf(workspace).Revoke(name);
    AuditLog(workspace.audit_log(), clock).Record(Shell(), "token revoke", name, status);
    return status;
  };
  return hooks;
}

}  // namespace ns
