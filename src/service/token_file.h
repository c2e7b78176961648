// The tokens of a workspace, in db/tokens.json; nobody but the service's user may enter db/ (Workspace). The command line writes it while the service runs: each look-up sees the newest
// file, so that a revoked token is refused at once.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/token.h"

namespace ns {

// Thread-safe; several processes may use one file at a time.
class TokenFile {
 public:
  explicit TokenFile(std::filesystem::path file) : path_(std::move(file)) {}

  // A new token; its text is shown this once and kept nowhere. AlreadyExists (TOKEN_NAME_TAKEN), InvalidArgument (BAD_TOKEN_NAME).
  Result<std::string> Create(const std::string& name, Role role, WallTime now, std::optional<WallTime> expires = std::nullopt);
  // NotFound (UNKNOWN_TOKEN).
  Status Revoke(const std::string& name);
  // In order of creation. InvalidArgument (BAD_TOKEN_FILE).
  Result<std::vector<TokenRecord>> List() const;

  // Whose token this is. Unauthenticated (BAD_TOKEN): it is unknown, revoked, or its secret is wrong (compared in constant time);
  // Unauthenticated (TOKEN_EXPIRED). A file that cannot be read lets nobody in.
  Result<TokenRecord> Check(std::string_view text, WallTime now) const;

 private:
  struct Seen {  // which state of the file `by_id_` holds
    ino_t inode = 0;
    timespec modified{};
    off_t size = -1;
    bool operator==(const Seen& other) const {
      return inode == other.inode && size == other.size && modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
    }
  };
  Status Refresh() const;
  template <typename Change>
  Status Rewrite(Change change);

  const std::filesystem::path path_;
  mutable std::mutex mutex_;  // over the next two
  mutable Seen seen_;
  mutable std::map<std::string, TokenRecord> by_id_;
};

}  // namespace ns
