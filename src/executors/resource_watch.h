// Looks after the limits of an attempt that the kernel does not keep for us: all memory, processes and disk space of a process tree together.
// A look costs a read of a few files of /proc for each process, and a walk through what it can write to, which is made the rarer the longer it takes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "executors/cgroup.h"
#include "executors/process_tree.h"
#include "tasks/step_plan.h"

namespace ns {

// Where an attempt may write.
struct WatchedPlaces {
  std::filesystem::path work_folder;
  std::filesystem::path events_file;
  int log_fd = -1;  // its log; -1: none
};

struct LimitReached {
  std::string reason;   // MEMORY_LIMIT, PROCESS_LIMIT, DISK_LIMIT, DISK_FULL
  std::string message;
};

// Thread-compatible.
class ResourceWatch {
 public:
  // `cgroup` outlives this: when the kernel killed one of its processes for its memory, the others go, too.
  ResourceWatch(const ResourceLimits& limits, WatchedPlaces places, const Cgroup& cgroup);

  static constexpr std::chrono::milliseconds kInterval{200};  // between looks

  // What the step that runs can write to beside the work folder, in the place of what the one before could.
  void SetStepFolders(std::vector<std::filesystem::path> folders) { step_folders_ = std::move(folders); }

  // The first limit that the tree below `root` is over.
  std::optional<LimitReached> Look(pid_t root);

 private:
  std::optional<LimitReached> LookAtDisk(const std::vector<TreeProcess>& tree);

  const ResourceLimits limits_;
  const WatchedPlaces places_;
  std::vector<std::filesystem::path> step_folders_;
  const Cgroup& cgroup_;
  std::chrono::steady_clock::time_point next_walk_;
};

}  // namespace ns
