#include "executors/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
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

}  // namespace

std::vector<TreeProcess> ProcessTree(pid_t root, size_t most) {
  std::vector<TreeProcess> tree = {{root, 0}};
  for (size_t at = 0; at < tree.size() && tree.size() < most; ++at) AddChildren(TreeProcess(tree[at]), most, &tree);
  return tree;
}

ProcessUse UseOf(pid_t pid) {
  ProcessUse use;
  auto text = ReadFile(fmt::format("/proc/{}/status", pid));
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    uint64_t value = std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
    if (line.starts_with("RssAnon:") || line.starts_with("RssShmem:")) use.memory_bytes += value * 1024;
    if (line.starts_with("Threads:")) use.threads = value;
  }
  return use;
}

}  // namespace ns
