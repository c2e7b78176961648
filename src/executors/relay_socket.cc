#include "executors/relay_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>

namespace ns {

namespace {

constexpr int kBacklog = 256;
constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

Status BadAddress(std::string_view text, const char* why) {
  return InvalidArgument(fmt::format("'{}' is no address: {}", text, why), "BAD_ADDRESS");
}

Result<sockaddr_un> UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return BadAddress(path, "the name of a Unix socket is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// `path` however long its folder's is, by a descriptor of that.
Result<sockaddr_un> AddressInFolder(const std::string& path, FileDescriptor* folder) {
  std::filesystem::path whole(path);
  folder->reset(::open(whole.has_parent_path() ? whole.parent_path().c_str() : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder->valid()) return ErrnoStatus(errno, fmt::format("cannot enter the folder of '{}'", path));
  return UnixAddress(fmt::format("/proc/self/fd/{}/{}", folder->get(), whole.filename().string()));
}

// The socket itself, and never what a link in its place leads to: who may write in its folder must not choose where connections go.
Result<FileDescriptor> ConnectUnix(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!file.valid() || ::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot connect to '{}'", path));
  if (!S_ISSOCK(info.st_mode)) return FailedPrecondition(fmt::format("'{}' is no socket", path), "NO_SOCKET");
  NS_ASSIGN_OR_RETURN(sockaddr_un to, UnixAddress(fmt::format("/proc/self/fd/{}", file.get())));
  FileDescriptor fd(::socket(AF_UNIX, kKind, 0));
  if (fd.valid() && ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) return fd;
  return ErrnoStatus(errno, fmt::format("cannot connect to '{}'", path));
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

Result<AddressList> Resolve(const RelayAddress& address, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  int error = ::getaddrinfo(address.host.empty() ? nullptr : address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) return Unavailable(fmt::format("'{}' cannot be found: {}", address.host, ::gai_strerror(error)), "NO_HOST");
  return AddressList(list);
}

uint16_t PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

Result<FileDescriptor> ListenUnix(const std::string& path) {
  FileDescriptor folder;
  NS_ASSIGN_OR_RETURN(sockaddr_un address, AddressInFolder(path, &folder));
  FileDescriptor fd(::socket(AF_UNIX, kKind, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot make a socket");
  ::unlink(path.c_str());
  mode_t mask = ::umask(0177);
  bool bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  int error = errno;
  ::umask(mask);
  if (!bound || ::listen(fd.get(), kBacklog) != 0) return ErrnoStatus(bound ? errno : error, fmt::format("cannot listen at '{}'", path));
  return fd;
}

}  // namespace

std::string RelayAddress::ToString() const {
  if (!path.empty()) return "unix:" + path;
  return host.find(':') == std::string::npos ? fmt::format("tcp:{}:{}", host, port) : fmt::format("tcp:[{}]:{}", host, port);
}

Result<RelayAddress> ParseRelayAddress(std::string_view text) {
  RelayAddress address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    if (address.path.empty()) return BadAddress(text, "the path is missing");
    return address;
  }
  size_t colon = text.rfind(':');
  if (!text.starts_with("tcp:") || colon < 4) return BadAddress(text, "write unix:PATH or tcp:HOST:PORT");
  std::string_view host = text.substr(4, colon - 4), port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return BadAddress(text, "the port is no number up to 65535");
  address.host = host;
  return address;
}

Result<FileDescriptor> ListenAt(const RelayAddress& address, RelayAddress* found) {
  *found = address;
  if (!address.path.empty()) return ListenUnix(address.path);
  NS_ASSIGN_OR_RETURN(AddressList list, Resolve(address, AI_PASSIVE));
  Status status = Unavailable("no address to listen at", "NO_HOST");
  for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
    FileDescriptor fd(::socket(at->ai_family, kKind, 0));
    int on = 1;
    if (fd.valid()) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (fd.valid() && ::bind(fd.get(), at->ai_addr, at->ai_addrlen) == 0 && ::listen(fd.get(), kBacklog) == 0) {
      found->port = PortOf(fd.get());
      return fd;
    }
    status = ErrnoStatus(errno, fmt::format("cannot listen at '{}'", address.ToString()));
  }
  return status;
}

Result<FileDescriptor> ConnectTo(const RelayAddress& address) {
  if (!address.path.empty()) return ConnectUnix(address.path);
  NS_ASSIGN_OR_RETURN(AddressList list, Resolve(address, 0));
  FileDescriptor fd(::socket(list->ai_family, kKind, 0));
  if (fd.valid() && (::connect(fd.get(), list->ai_addr, list->ai_addrlen) == 0 || errno == EINPROGRESS)) return fd;
  return ErrnoStatus(errno, fmt::format("cannot connect to '{}'", address.ToString()));
}

void TuneConnection(int fd, int silence_seconds) {
  auto set = [&](int level, int name, int value) { (void)::setsockopt(fd, level, name, &value, sizeof(value)); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, silence_seconds / 2));
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, silence_seconds / 6));
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, silence_seconds * 1000);
}

}  // namespace ns
