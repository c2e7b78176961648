#include "team/rpc/socket_address.h"

#include <fcntl.h>
#include <sys/un.h>

namespace ns {
namespace fs = std::filesystem;

Result<SocketAddress> SocketAddress::Of(const fs::path& path) {
  SocketAddress address;
  fs::path whole = fs::absolute(path);
  if (whole.native().size() < sizeof(sockaddr_un::sun_path)) {
    address.text_ = "unix:" + whole.string();
    return address;
  }
  address.folder_ = FileDescriptor(::open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!address.folder_.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", whole.parent_path().string()));
  address.text_ = fmt::format("unix:/proc/self/fd/{}/{}", address.folder_.get(), whole.filename().string());
  return address;
}

Result<std::string> ReadTeamToken(const fs::path& file) {
  NS_ASSIGN_OR_RETURN(std::string token, ReadFile(file, 4096));
  const char* kSpace = " \t\r\n";
  token.erase(token.find_last_not_of(kSpace) + 1);
  token.erase(0, token.find_first_not_of(kSpace));
  if (token.empty()) return InvalidArgument(fmt::format("'{}' holds no token", file.string()), "BAD_TEAM_TOKEN");
  return token;
}

}  // namespace ns
