// A Unix socket's path as gRPC takes it. The system allows 107 bytes; a folder of a task may be deeper.
#pragma once

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/status.h"

namespace ns {

class SocketAddress {
 public:
  // NotFound: the folder of `path` is not there.
  static Result<SocketAddress> Of(const std::filesystem::path& path);
  // Valid while this object lives.
  const std::string& text() const { return text_; }

 private:
  FileDescriptor folder_;
  std::string text_;
};

// The token of a team: what the file holds, without white space at its ends. InvalidArgument (BAD_TEAM_TOKEN): nothing, or more than 4 KB.
Result<std::string> ReadTeamToken(const std::filesystem::path& file);

}  // namespace ns
