// A control group for the steps of one attempt, where this process may make one: the kernel itself then keeps the limits on processes and memory,
// for root too. cgroup v2 where its controllers are ours to use, else v1's pids and memory hierarchies; see docs/design/sandbox.md.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "tasks/step_plan.h"

namespace ns {

// Thread-compatible. Removes its groups when it goes, which needs all their processes to have ended.
class Cgroup {
 public:
  // Groups named `name` below the cgroups of this process; what cannot be had is left out, so it may limit nothing at all.
  // `root`: where the hierarchies are mounted.
  Cgroup(const ResourceLimits& limits, const std::string& name, const std::filesystem::path& root = "/sys/fs/cgroup");
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  // Moves the calling process into the groups. Between fork and exec of a process with one thread.
  void Join() const;
  // True when the kernel killed a process of it for its memory.
  bool ranOutOfMemory() const;

  bool limits_processes() const { return limits_processes_; }
  bool limits_memory() const { return limits_memory_; }

 private:
  bool MakeUnified(const ResourceLimits& limits, const std::string& name, const std::filesystem::path& base);
  bool MakeOne(const std::filesystem::path& base, const std::string& name, const char* file, uint64_t limit);

  std::vector<std::filesystem::path> groups_;
  bool limits_processes_ = false, limits_memory_ = false;
};

}  // namespace ns
