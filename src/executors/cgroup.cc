#include "executors/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <sstream>

namespace ns {
namespace fs = std::filesystem;

namespace {

bool Put(const fs::path& file, const std::string& text) {
  FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// This process's cgroup in a hierarchy: "" for v2's, else the one of that v1 controller. Lines are "ID:CONTROLLERS:PATH" (cgroups(7)).
std::optional<std::string> OwnPath(const std::string& controller) {
  std::istringstream lines(ReadFile("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    std::string name;
    bool found = controller.empty() && second == first + 1;
    while (std::getline(names, name, ',')) found = found || name == controller;
    if (found) return line.substr(second + 2);  // without the slash in front
  }
  return std::nullopt;
}

bool HasWord(const fs::path& file, const std::string& wanted) {
  std::istringstream words(ReadFile(file).value_or(""));
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

// The number after `name` in a file of "name number" lines.
uint64_t NumberIn(const fs::path& file, const std::string& name) {
  std::istringstream words(ReadFile(file).value_or(""));
  uint64_t number = 0;
  for (std::string word; words >> word >> number;) {
    if (word == name) return number;
  }
  return 0;
}

}  // namespace

Cgroup::Cgroup(const ResourceLimits& limits, const std::string& name, const fs::path& root) {
  auto own = OwnPath("");
  if (own && MakeUnified(limits, name, root / *own)) return;
  if (auto path = OwnPath("pids")) limits_processes_ = MakeOne(root / "pids" / *path, name, "pids.max", limits.processes);
  if (auto path = OwnPath("memory")) limits_memory_ = MakeOne(root / "memory" / *path, name, "memory.limit_in_bytes", limits.memory_bytes);
}

Cgroup::~Cgroup() {
  for (const fs::path& group : groups_) {
    for (int round = 0; ::rmdir(group.c_str()) != 0 && errno == EBUSY && round < 100; ++round) ::usleep(2'000);
  }
}

// v2: a cgroup with processes of its own gives its children no controllers, so this works where the service has one below a delegated one, or is
// in the root.
bool Cgroup::MakeUnified(const ResourceLimits& limits, const std::string& name, const fs::path& base) {
  fs::path enabled = base / "cgroup.subtree_control";
  for (const char* controller : {"pids", "memory"}) {
    if (!HasWord(enabled, controller)) (void)Put(enabled, std::string("+") + controller);
  }
  bool processes = HasWord(enabled, "pids"), memory = HasWord(enabled, "memory");
  fs::path group = base / name;
  std::error_code error;
  ::rmdir(group.c_str());  // an earlier attempt's, whose supervisor was killed
  if ((!processes && !memory) || !fs::create_directory(group, error)) return false;
  groups_.push_back(group);
  limits_processes_ = processes && limits.processes > 0 && Put(group / "pids.max", std::to_string(limits.processes));
  limits_memory_ = memory && limits.memory_bytes > 0 && Put(group / "memory.max", std::to_string(limits.memory_bytes));
  if (limits_memory_) (void)Put(group / "memory.swap.max", "0");
  return true;
}

bool Cgroup::MakeOne(const fs::path& base, const std::string& name, const char* file, uint64_t limit) {
  std::error_code error;
  ::rmdir((base / name).c_str());  // an earlier attempt's, whose supervisor was killed
  if (limit == 0 || !fs::create_directory(base / name, error)) return false;
  groups_.push_back(base / name);
  return Put(base / name / file, std::to_string(limit));
}

void Cgroup::Join() const {
  for (const fs::path& group : groups_) (void)Put(group / "cgroup.procs", "0");
}

bool Cgroup::ranOutOfMemory() const {
  for (const fs::path& group : groups_) {
    if (NumberIn(group / "memory.events", "oom_kill") > 0 || NumberIn(group / "memory.oom_control", "oom_kill") > 0) return true;
  }
  return false;
}

}  // namespace ns
