#include "tasks/token.h"

#include <algorithm>

#include "tasks/json_fields.h"
#include "tasks/task_event.h"

namespace ns {

namespace {

constexpr std::string_view kPrefix = "nst_";
constexpr size_t kIdDigits = 8, kSecretDigits = 64;

bool IsLowerHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

Json ToJson(const TokenRecord& token) {
  Json json = {{"id", token.id}, {"name", token.name}, {"role", RoleName(token.role)}, {"created", FormatTime(token.created)}};
  if (token.expires) json["expires"] = FormatTime(*token.expires);
  return json;
}

Status BadFile(std::string_view what) { return InvalidArgument(fmt::format("the token file is damaged: {}", what), "BAD_TOKEN_FILE"); }

Result<TokenRecord> ReadToken(const Json& json) {
  TokenRecord token;
  std::string role, created, expires;
  bool whole = json.is_object() && Get(json, "id", &token.id) && Get(json, "name", &token.name) && Get(json, "role", &role) &&
               Get(json, "secret_sha256", &token.secret_sha256) && Get(json, "created", &created);
  if (!whole) return BadFile("an entry lacks a field");
  auto known_role = ParseRole(role);
  auto time = ParseTime(created);
  bool good_hash = token.secret_sha256.size() == kSecretDigits && IsLowerHex(token.secret_sha256);
  if (!known_role || !time || !good_hash) return BadFile(fmt::format("the entry of '{}' has a wrong role, time or hash", token.name));
  token.role = *known_role;
  token.created = *time;
  if (Get(json, "expires", &expires)) {
    token.expires = ParseTime(expires);
    if (!token.expires) return BadFile(fmt::format("the entry of '{}' has a wrong time", token.name));
  }
  return token;
}

}  // namespace

std::string FormatToken(const TokenText& token) { return fmt::format("{}{}_{}", kPrefix, token.id, token.secret); }

std::optional<TokenText> ParseToken(std::string_view text) {
  if (text.size() != kPrefix.size() + kIdDigits + 1 + kSecretDigits || !text.starts_with(kPrefix)) return std::nullopt;
  std::string_view id = text.substr(kPrefix.size(), kIdDigits), secret = text.substr(text.size() - kSecretDigits);
  if (text[kPrefix.size() + kIdDigits] != '_' || !IsLowerHex(id) || !IsLowerHex(secret)) return std::nullopt;
  return TokenText{std::string(id), std::string(secret)};
}

Status CheckTokenName(std::string_view name) {
  bool good = !name.empty() && name.size() <= 64 && name[0] != '-' &&
              std::all_of(name.begin(), name.end(), [](unsigned char c) {
                return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-' || c == '@';
              });
  if (good) return OkStatus();
  return InvalidArgument(fmt::format("a token's name must be 1 to 64 letters, digits, '.', '_', '-' or '@', got '{}'", name), "BAD_TOKEN_NAME");
}

std::string TokensToJson(const std::vector<TokenRecord>& tokens) {
  Json list = Json::array();
  for (const TokenRecord& token : tokens) {
    Json json = ToJson(token);
    json["secret_sha256"] = token.secret_sha256;
    list.push_back(std::move(json));
  }
  return Dump({{"tokens", std::move(list)}}, 1) + "\n";
}

Result<std::vector<TokenRecord>> ParseTokens(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_object() || !json->contains("tokens") || !(*json)["tokens"].is_array()) return BadFile("it is no list of tokens");
  std::vector<TokenRecord> tokens;
  for (const Json& entry : (*json)["tokens"]) {
    NS_ASSIGN_OR_RETURN(TokenRecord token, ReadToken(entry));
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::string TokenListJson(const std::vector<TokenRecord>& tokens) {
  Json list = Json::array();
  for (const TokenRecord& token : tokens) list.push_back(ToJson(token));
  return Dump({{"tokens", std::move(list)}}) + "\n";
}

std::string TokenCreatedJson(std::string_view name, Role role, std::string_view token) {
  return Dump({{"name", name}, {"role", RoleName(role)}, {"token", token}});
}

std::string TokenRevokedJson(std::string_view name) { return Dump({{"revoked", name}}); }

}  // namespace ns
