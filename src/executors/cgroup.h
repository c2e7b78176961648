// A control group for the steps of one attempt, where this process may make one: the kernel itself then keeps the limits on processes and memory,
// for root too. cgroup v2 where its controllers are ours to use, else v1's pids and memory hierarchies; see docs/design/sandbox.md.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"
#include "tasks/step_plan.h"

namespace ns {

// Thread-compatible. Removes its groups when it goes, which needs all their processes to have ended.
class Cgroup {
 public:
  static constexpr const char* kRoot = "/sys/fs/cgroup";  // where the hierarchies are mounted

  // Groups named `name` below the cgroups of this process, without limits yet; what cannot be had is left out, so it may limit nothing at all.
  explicit Cgroup(const std::string& name, const std::filesystem::path& root = kRoot);
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  // The name for a group of this process's. RemoveAbandoned() removes those whose processes were killed before they could.
  static std::string NameOf(const ProcessId& process);
  static void RemoveAbandoned(const std::filesystem::path& root = kRoot);

  // Sets the limits; 0 is none.
  void Limit(const ResourceLimits& limits);
  // Moves the calling process into the groups. Of a process with one thread. Under v1 it takes the kernel 5 to 20 ms (it waits for all processors
  // to pass through the scheduler), during which no process of the machine can fork.
  void Join() const;
  // True when the kernel killed a process of it for its memory since the last ForgetOutOfMemory().
  bool ranOutOfMemory() const;
  void ForgetOutOfMemory();

  bool limits_processes() const { return limits_processes_; }
  bool limits_memory() const { return limits_memory_; }

 private:
  bool MakeUnified(const std::string& name, const std::filesystem::path& base);
  void MakeOne(const std::filesystem::path& group);
  bool PutLimit(const char* file, uint64_t limit) const;
  uint64_t Kills() const;

  std::vector<std::filesystem::path> groups_;
  bool limits_processes_ = false, limits_memory_ = false;
  uint64_t forgotten_kills_ = 0;
};

}  // namespace ns
