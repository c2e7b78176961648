#include "executors/cgroup.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kPrefix = "ns-";

// Of a group's name; none for one that NameOf() did not make.
std::optional<ProcessId> MakerOf(const std::string& name) {
  int pid = 0;
  uint64_t start = 0;
  if (!name.starts_with(kPrefix) || std::sscanf(name.c_str() + std::strlen(kPrefix), "%d-%" SCNu64, &pid, &start) != 2) return std::nullopt;
  ProcessId maker{pid, start};
  return Cgroup::NameOf(maker) == name ? std::optional(maker) : std::nullopt;
}

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

Cgroup::Cgroup(const std::string& name, const fs::path& root) {
  auto own = OwnPath("");
  if (own && MakeUnified(name, root / *own)) return;
  for (const char* controller : {"pids", "memory"}) {
    if (auto path = OwnPath(controller)) MakeOne(root / controller / *path / name);
  }
}

Cgroup::~Cgroup() {
  for (const fs::path& group : groups_) {
    for (int round = 0; ::rmdir(group.c_str()) != 0 && errno == EBUSY && round < 100; ++round) ::usleep(2'000);
  }
}

std::string Cgroup::NameOf(const ProcessId& process) { return fmt::format("{}{}-{}", kPrefix, process.pid, process.start_ticks); }

void Cgroup::RemoveAbandoned(const fs::path& root) {
  std::vector<fs::path> folders;
  if (auto own = OwnPath("")) folders.push_back(root / *own);
  for (const char* controller : {"pids", "memory"}) {
    if (auto path = OwnPath(controller)) folders.push_back(root / controller / *path);
  }
  for (const fs::path& folder : folders) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      auto maker = MakerOf(at->path().filename().string());
      if (maker && !IsRunning(*maker)) ::rmdir(at->path().c_str());  // not while a process is in it
    }
  }
}

// v2: a cgroup with processes of its own gives its children no controllers, so this works where the service has one below a delegated one, or is
// in the root.
bool Cgroup::MakeUnified(const std::string& name, const fs::path& base) {
  fs::path enabled = base / "cgroup.subtree_control";
  for (const char* controller : {"pids", "memory"}) {
    if (!HasWord(enabled, controller)) (void)Put(enabled, std::string("+") + controller);
  }
  if (!HasWord(enabled, "pids") && !HasWord(enabled, "memory")) return false;
  MakeOne(base / name);
  return !groups_.empty();
}

void Cgroup::MakeOne(const fs::path& group) {
  std::error_code error;
  if (fs::create_directory(group, error)) groups_.push_back(group);
}

bool Cgroup::PutLimit(const char* file, uint64_t limit) const {
  return limit > 0 && std::any_of(groups_.begin(), groups_.end(), [&](const fs::path& group) { return Put(group / file, std::to_string(limit)); });
}

void Cgroup::Limit(const ResourceLimits& limits) {
  limits_processes_ = PutLimit("pids.max", limits.processes);
  bool unified = PutLimit("memory.max", limits.memory_bytes);
  for (const fs::path& group : groups_) {
    if (unified) (void)Put(group / "memory.swap.max", "0");
  }
  limits_memory_ = unified || PutLimit("memory.limit_in_bytes", limits.memory_bytes);
}

void Cgroup::Join() const {
  for (const fs::path& group : groups_) (void)Put(group / "cgroup.procs", "0");
}

uint64_t Cgroup::Kills() const {
  uint64_t kills = 0;
  for (const fs::path& group : groups_) {
    for (const char* file : {"memory.events", "memory.oom_control"}) kills += NumberIn(group / file, "oom_kill");
  }
  return kills;
}

bool Cgroup::ranOutOfMemory() const { return Kills() > forgotten_kills_; }

void Cgroup::ForgetOutOfMemory() { forgotten_kills_ = Kills(); }

}  // namespace ns
