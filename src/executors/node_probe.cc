#include "executors/node_probe.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "base/cpu.h"
#include "base/file.h"
#include "executors/relay_socket.h"
#include "executors/sandbox.h"

namespace ns {

namespace {

constexpr int kConnectMs = 3'000;

// A connection to one of the addresses; they are tried at the same time.
bool Reaches(const std::vector<std::string>& services) {
  std::vector<FileDescriptor> sockets;
  std::vector<pollfd> waiting;
  for (const std::string& service : services) {
    auto address = ParseRelayAddress("tcp:" + service);
    auto socket = address.ok() ? ConnectTo(*address) : Result<FileDescriptor>(address.status());
    if (!socket.ok()) continue;
    waiting.push_back({socket->get(), POLLOUT, 0});
    sockets.push_back(std::move(*socket));
  }
  auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kConnectMs);
  while (!waiting.empty() && std::chrono::steady_clock::now() < until) {
    if (::poll(waiting.data(), waiting.size(), 100) < 0) return false;
    for (size_t at = waiting.size(); at-- > 0;) {
      if (waiting[at].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof(error);
      if (::getsockopt(waiting[at].fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) return true;
      waiting.erase(waiting.begin() + static_cast<ptrdiff_t>(at));
    }
  }
  return false;
}

// Nobody else may be able to put anything there.
std::string WrongWithOwnFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  struct stat info {};
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fmt::format("it cannot make the folder '{}': {}", folder.string(), std::strerror(errno));
  if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fmt::format("its folder '{}' is another user's, or can be written to by others; name another with --node_folder", folder.string());
  }
  return ::access(folder.c_str(), W_OK) == 0 ? "" : fmt::format("it cannot write to '{}'", folder.string());
}

std::string WrongWithWorkspace(const NodeProbe& probe) {
  if (!probe.services.empty()) {
    std::string wrong = WrongWithOwnFolder(probe.shared_file);
    if (!wrong.empty() || Reaches(probe.services)) return wrong;
    return fmt::format("it does not reach the service at {}: nodes that do not share the workspace must, see --result_monitor_port",
                       fmt::join(probe.services, ", "));
  }
  auto content = ReadFile(probe.shared_file, 1 << 12);
  if (!content.ok() || *content != probe.content) {
    return fmt::format("it does not see the service's workspace '{}': put that on a file system that all nodes share, or start the service with "
                       "--shared_workspace no", probe.shared_file.parent_path().string());
  }
  if (::access(probe.shared_file.parent_path().c_str(), W_OK) == 0) return "";
  return fmt::format("it cannot write to the workspace '{}'", probe.shared_file.parent_path().string());
}

}  // namespace

std::vector<std::string> ProbeWords(const NodeProbe& probe) {
  std::vector<std::string> words = {probe.shared_file.string(), probe.content, probe.worker.string(), std::to_string(probe.cores), probe.sandbox ? "sandbox" : "none"};
  words.insert(words.end(), probe.services.begin(), probe.services.end());
  return words;
}

std::string Probe(const NodeProbe& probe) {
  std::string wrong = WrongWithWorkspace(probe);
  if (!wrong.empty()) return wrong;
  if (::access(probe.worker.c_str(), X_OK) != 0) {
    return fmt::format("the program '{}' is not there: install it at the same place on all nodes", probe.worker.string());
  }
  size_t cores = UsableCores().size();
  if (cores < static_cast<size_t>(probe.cores)) return fmt::format("it has {} usable cores, and {} are told of it", cores, probe.cores);
  Status sandbox = probe.sandbox ? CheckSandbox() : OkStatus();
  return sandbox.ok() ? "" : sandbox.message();
}

int ProbeMain(const std::vector<std::string>& words) {
  NodeProbe probe;
  if (words.size() < 5 || std::from_chars(words[3].data(), words[3].data() + words[3].size(), probe.cores).ec != std::errc()) return 64;
  probe.shared_file = words[0];
  probe.content = words[1];
  probe.worker = words[2];
  probe.sandbox = words[4] == "sandbox";
  probe.services.assign(words.begin() + 5, words.end());
  std::string wrong = Probe(probe);
  if (!wrong.empty()) std::printf("%s\n", wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace ns
