#include "service/token_file.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"

namespace ns {

namespace {

Status BadToken() {
  return Status(StatusCode::kUnauthenticated, "the token is not known here; ask for one made by 'neural_solution token create'", "BAD_TOKEN");
}

}  // namespace

template <typename Change>
Status TokenFile::Rewrite(Change change) {
  std::error_code error;
  std::filesystem::create_directories(path_.parent_path(), error);
  std::string lock_name = path_.string() + ".lock";
  FileDescriptor lock(::open(lock_name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || ::flock(lock.get(), LOCK_EX) != 0) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", lock_name));
  NS_ASSIGN_OR_RETURN(std::vector<TokenRecord> tokens, List());
  NS_RETURN_IF_ERROR(change(&tokens));
  return WriteFileAtomic(path_, TokensToJson(tokens));
}

Result<std::string> TokenFile::Create(const std::string& name, Role role, WallTime now, std::optional<WallTime> expires) {
  NS_RETURN_IF_ERROR(CheckTokenName(name));
  TokenText text{RandomHex(4), RandomHex(32)};
  TokenRecord record{text.id, name, role, Sha256Hex(text.secret), now, expires};
  Status status = Rewrite([&](std::vector<TokenRecord>* tokens) -> Status {
    for (const TokenRecord& other : *tokens) {
      if (other.name == name) {
        return Status(StatusCode::kAlreadyExists,
                      fmt::format("there is a token '{}' already; revoke it first, or give another --name", name), "TOKEN_NAME_TAKEN");
      }
      if (other.id == text.id) return Status(StatusCode::kAborted, "two tokens got the same id; try again", "TOKEN_ID_TAKEN");
    }
    tokens->push_back(record);
    return OkStatus();
  });
  if (!status.ok()) return status;
  return FormatToken(text);
}

Status TokenFile::Revoke(const std::string& name) {
  return Rewrite([&](std::vector<TokenRecord>* tokens) -> Status {
    if (std::erase_if(*tokens, [&](const TokenRecord& token) { return token.name == name; }) > 0) return OkStatus();
    return NotFound(fmt::format("there is no token '{}'; 'neural_solution token list' shows all", name), "UNKNOWN_TOKEN");
  });
}

Result<std::vector<TokenRecord>> TokenFile::List() const {
  auto text = ReadFile(path_);
  if (text.status().code() == StatusCode::kNotFound) return std::vector<TokenRecord>();
  if (!text.ok()) return text.status();
  return ParseTokens(*text);
}

// With the lock held.
Status TokenFile::Refresh() const {
  struct stat info {};
  Seen now;
  if (::stat(path_.c_str(), &info) == 0) now = {info.st_ino, info.st_mtim, info.st_size};
  if (now == seen_) return OkStatus();
  by_id_.clear();
  seen_ = {};
  NS_ASSIGN_OR_RETURN(std::vector<TokenRecord> tokens, List());
  for (TokenRecord& token : tokens) by_id_.emplace(token.id, std::move(token));
  seen_ = now;
  return OkStatus();
}

Result<TokenRecord> TokenFile::Check(std::string_view text, WallTime now) const {
  auto token = ParseToken(text);
  if (!token) return BadToken();
  std::lock_guard lock(mutex_);
  NS_RETURN_IF_ERROR(Refresh());
  auto found = by_id_.find(token->id);
  if (found == by_id_.end()) return BadToken();
  std::string given = Sha256Hex(token->secret);
  if (::CRYPTO_memcmp(given.data(), found->second.secret_sha256.data(), given.size()) != 0) return BadToken();
  if (found->second.expires && *found->second.expires <= now) {
    return Status(StatusCode::kUnauthenticated, fmt::format("the token '{}' has expired; ask for a new one", found->second.name), "TOKEN_EXPIRED");
  }
  return found->second;
}

}  // namespace ns
