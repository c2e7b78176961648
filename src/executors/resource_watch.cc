#include "executors/resource_watch.h"

#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <set>

#include "base/file.h"
#include "base/tree.h"
#include "executors/event_tail.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

constexpr size_t kMostFiles = 1'000'000;              // a folder with more is over any limit
constexpr uint64_t kSmallBytes = uint64_t{64} << 20;  // who holds less does not fill a disk

struct Walked {
  uint64_t bytes = 0;
  size_t files = 0;
  Status hidden;  // why some of it cannot be counted
};

void Walk(const fs::path& folder, Walked* walked) {
  Status status = WalkTree(folder, S_IRUSR | S_IXUSR, [&](const TreeEntry& entry) {
    walked->bytes += DiskBytesOf(entry.info);
    return ++walked->files <= kMostFiles;
  });
  if (status.reason() == "FOLDERS_TOO_DEEP" || status.code() == StatusCode::kPermissionDenied) walked->hidden = status;
}

// Deleted files that the tree holds open: they take space and are in no folder.
uint64_t DeletedBytes(const std::vector<TreeProcess>& tree) {
  uint64_t bytes = 0;
  std::set<std::pair<dev_t, ino_t>> seen;
  for (const TreeProcess& process : tree) {
    std::string name = fmt::format("/proc/{}/fd", process.pid);
    std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(name.c_str()), ::closedir);
    if (folder == nullptr) continue;
    while (dirent* entry = ::readdir(folder.get())) {
      struct stat info {};
      bool file = ::fstatat(::dirfd(folder.get()), entry->d_name, &info, 0) == 0 && S_ISREG(info.st_mode);
      if (file && info.st_nlink == 0 && seen.emplace(info.st_dev, info.st_ino).second) bytes += DiskBytesOf(info);
    }
  }
  return bytes;
}

std::string Shown(uint64_t bytes) {
  return bytes >= (uint64_t{1} << 30) ? fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30))
                                      : fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

ResourceWatch::ResourceWatch(const ResourceLimits& limits, WatchedPlaces places, const Cgroup& cgroup)
    : limits_(limits), places_(std::move(places)), cgroup_(cgroup) {}

std::optional<LimitReached> ResourceWatch::Look(pid_t root) {
  constexpr size_t kMostProcesses = 100'000;
  if (cgroup_.ranOutOfMemory()) return LimitReached{"MEMORY_LIMIT", "it took more memory than --task_memory allows"};
  size_t most = limits_.processes > 0 ? limits_.processes + 1 : kMostProcesses;
  std::vector<TreeProcess> tree = ProcessTree(root, most);
  auto too_many = [&] {
    return LimitReached{"PROCESS_LIMIT", fmt::format("more than {} processes and threads at once; the limit is --task_processes", limits_.processes)};
  };
  if (limits_.processes > 0 && tree.size() > limits_.processes) return too_many();
  ProcessUse all;
  for (const TreeProcess& process : tree) {
    ProcessUse use = UseOf(process.pid);
    all.threads += use.threads;
    all.memory_bytes += use.memory_bytes;
  }
  if (limits_.processes > 0 && all.threads > limits_.processes) return too_many();
  // What processes share counts for each of them there. A look that tells them apart costs more, so only where it matters.
  if (limits_.memory_bytes > 0 && all.memory_bytes > limits_.memory_bytes) {
    all.memory_bytes = 0;
    for (const TreeProcess& process : tree) all.memory_bytes += SharedMemoryUseOf(process.pid);
  }
  if (limits_.memory_bytes > 0 && all.memory_bytes > limits_.memory_bytes) {
    return LimitReached{"MEMORY_LIMIT", fmt::format("it took {} of memory, more than the {} of --task_memory", Shown(all.memory_bytes),
                                                    Shown(limits_.memory_bytes))};
  }
  return LookAtDisk(tree);
}

std::optional<LimitReached> ResourceWatch::LookAtDisk(const std::vector<TreeProcess>& tree) {
  auto begin = steady_clock::now();
  if (begin < next_walk_ || (limits_.disk_bytes == 0 && limits_.free_disk_bytes == 0)) return std::nullopt;
  Walked walked;
  Walk(places_.work_folder, &walked);
  for (const fs::path& folder : step_folders_) Walk(folder, &walked);
  walked.bytes += DeletedBytes(tree);
  struct stat log {}, events {};
  if (places_.log_fd >= 0 && ::fstat(places_.log_fd, &log) == 0) walked.bytes += DiskBytesOf(log);
  if (::lstat(places_.events_file.c_str(), &events) == 0) walked.bytes += DiskBytesOf(events);
  auto now = steady_clock::now();
  next_walk_ = now + std::max<steady_clock::duration>(kInterval, 20 * (now - begin));
  if (limits_.disk_bytes > 0 && (walked.bytes > limits_.disk_bytes || walked.files > kMostFiles)) {
    return LimitReached{"DISK_LIMIT", fmt::format("it wrote {} in {} files; the limit is {} (--task_disk)", Shown(walked.bytes), walked.files,
                                                  Shown(limits_.disk_bytes))};
  }
  if (limits_.disk_bytes > 0 && !walked.hidden.ok()) {
    return LimitReached{"DISK_LIMIT", fmt::format("what it wrote cannot be measured: {}", walked.hidden.message())};
  }
  if (static_cast<uint64_t>(events.st_size) > EventTail::kMostInAll) {
    return LimitReached{"DISK_LIMIT", fmt::format("it wrote more than {} of events", Shown(EventTail::kMostInAll))};
  }
  auto free = FreeDiskBytes(places_.work_folder);
  if (free.ok() && *free < limits_.free_disk_bytes && walked.bytes > kSmallBytes) {
    return LimitReached{"DISK_FULL", fmt::format("the disk has only {} left, and this task holds {}", Shown(*free), Shown(walked.bytes))};
  }
  return std::nullopt;
}

}  // namespace ns
