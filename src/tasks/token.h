// Access tokens as they are kept: never the token itself, only its hash.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/caller.h"

namespace ns {

// A token reads nst_<id>_<secret>: the id (8 hex digits) finds the record, the secret (64 hex digits, 256 random bits) proves it.
struct TokenRecord {
  std::string id;
  std::string name;  // what tasks, limits and the audit log call its holder; unique
  Role role = Role::kSubmit;
  std::string secret_sha256;  // 64 hex digits. A plain hash: the secret is random, there is nothing to guess that a slow hash would protect
  WallTime created;
  std::optional<WallTime> expires;
  bool operator==(const TokenRecord&) const = default;
};

struct TokenText {
  std::string id, secret;
};
std::string FormatToken(const TokenText& token);
// None when it has not that form.
std::optional<TokenText> ParseToken(std::string_view text);

// 1 to 64 letters, digits, '.', '_', '-', '@', not starting with '-'. InvalidArgument (BAD_TOKEN_NAME).
Status CheckTokenName(std::string_view name);

// The file of all tokens: {"tokens": [{...}]}.
std::string TokensToJson(const std::vector<TokenRecord>& tokens);
// InvalidArgument (BAD_TOKEN_FILE).
Result<std::vector<TokenRecord>> ParseTokens(std::string_view json);

// What `token list --json` prints: the same without hashes.
std::string TokenListJson(const std::vector<TokenRecord>& tokens);
// ... `token create --json`: {"name", "role", "token"}; `token revoke --json`: {"revoked": name}.
std::string TokenCreatedJson(std::string_view name, Role role, std::string_view token);
std::string TokenRevokedJson(std::string_view name);

}  // namespace ns
