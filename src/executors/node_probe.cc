#include "executors/node_probe.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "base/cpu.h"
#include "base/file.h"
#include "executors/sandbox.h"

namespace ns {

std::vector<std::string> ProbeWords(const NodeProbe& probe) {
  return {probe.shared_file.string(), probe.content, probe.worker.string(), std::to_string(probe.cores), probe.sandbox ? "sandbox" : "none"};
}

std::string Probe(const NodeProbe& probe) {
  auto content = ReadFile(probe.shared_file, 1 << 12);
  if (!content.ok() || *content != probe.content) {
    return fmt::format("it does not see the service's workspace '{}': put that on a file system that all nodes share",
                       probe.shared_file.parent_path().string());
  }
  if (::access(probe.shared_file.parent_path().c_str(), W_OK) != 0) {
    return fmt::format("it cannot write to the workspace '{}'", probe.shared_file.parent_path().string());
  }
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
  if (words.size() != 5 || std::from_chars(words[3].data(), words[3].data() + words[3].size(), probe.cores).ec != std::errc()) return 64;
  probe.shared_file = words[0];
  probe.content = words[1];
  probe.worker = words[2];
  probe.sandbox = words[4] == "sandbox";
  std::string wrong = Probe(probe);
  if (!wrong.empty()) std::printf("%s\n", wrong.c_str());
  return wrong.empty() ? 0 : 1;
}

}  // namespace ns
