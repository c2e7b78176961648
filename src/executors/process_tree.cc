#include "executors/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>

#include "base/file.h"

namespace ns {

namespace {

// A process has the children of each of its threads.
void AddChildren(const TreeProcess& parent, size_t most, std::vector<TreeProcess>* out) {
  std::string tasks = fmt::format("/proc/{}/task", parent.pid);
  std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(tasks.c_str()), ::closedir);
  if (folder == nullptr) return;
  for (dirent* entry; out->size() < most && (entry = ::readdir(folder.get())) != nullptr;) {
    if (entry->d_name[0] == '.') continue;
    auto text = ReadFile(fmt::format("{}/{}/children", tasks, entry->d_name));
    std::istringstream children(text.ok() ? *text : "");
    for (pid_t child; out->size() < most && children >> child;) out->push_back({child, parent.depth + 1});
  }
}

// The lines "NAME: NUMBER ..." of a file.
void ForNumbers(const std::string& file, const std::function<void(std::string_view name, uint64_t value)>& take) {
  auto text = ReadFile(file);
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':');
    if (colon != std::string::npos) take(std::string_view(line).substr(0, colon), std::strtoull(line.c_str() + colon + 1, nullptr, 10));
  }
}

}  // namespace

std::vector<TreeProcess> ProcessTree(pid_t root, size_t most) {
  std::vector<TreeProcess> tree = {{root, 0}};
  for (size_t at = 0; at < tree.size() && tree.size() < most; ++at) AddChildren(TreeProcess(tree[at]), most, &tree);
  return tree;
}

ProcessUse UseOf(pid_t pid) {
  ProcessUse use;
  ForNumbers(fmt::format("/proc/{}/status", pid), [&](std::string_view name, uint64_t value) {
    if (name == "RssAnon" || name == "RssShmem") use.memory_bytes += value * 1024;
    if (name == "Threads") use.threads = value;
  });
  return use;
}

uint64_t SharedMemoryUseOf(pid_t pid) {
  std::optional<uint64_t> bytes;
  ForNumbers(fmt::format("/proc/{}/smaps_rollup", pid), [&](std::string_view name, uint64_t value) {
    if (name == "Pss_Anon" || name == "Pss_Shmem") bytes = bytes.value_or(0) + value * 1024;
  });
  return bytes ? *bytes : UseOf(pid).memory_bytes;  // it keeps us from looking
}

}  // namespace ns
