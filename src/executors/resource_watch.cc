#include "executors/resource_watch.h"

#include <dirent.h>
#include <sys/stat.h>

#include <memory>
#include <set>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using std::chrono::steady_clock;

constexpr size_t kMostFiles = 1'000'000;              // a folder with more is over any limit
constexpr uint64_t kSmallBytes = uint64_t{64} << 20;  // who holds less does not fill a disk

uint64_t BytesOf(const struct stat& info) { return static_cast<uint64_t>(info.st_blocks) * 512; }

struct Walked {
  uint64_t bytes = 0;
  size_t files = 0;
};

Walked Walk(const fs::path& folder) {
  Walked walked;
  std::error_code error;
  auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(folder, options, error), end; !error && at != end; at.increment(error)) {
    struct stat info {};
    if (::lstat(at->path().c_str(), &info) == 0) walked.bytes += BytesOf(info);
    if (++walked.files > kMostFiles) break;
  }
  return walked;
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
      if (file && info.st_nlink == 0 && seen.emplace(info.st_dev, info.st_ino).second) bytes += BytesOf(info);
    }
  }
  return bytes;
}

std::string Shown(uint64_t bytes) {
  return bytes >= (uint64_t{1} << 30) ? fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30))
                                      : fmt::format("{:.0f} MiB", static_cast<double>(bytes) / (1 << 20));
}

}  // namespace

ResourceWatch::ResourceWatch(const ResourceLimits& limits, fs::path work_folder, int log_fd, const Cgroup& cgroup)
    : limits_(limits), work_folder_(std::move(work_folder)), log_fd_(log_fd), cgroup_(cgroup) {}

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
  if (limits_.memory_bytes > 0 && all.memory_bytes > limits_.memory_bytes) {
    return LimitReached{"MEMORY_LIMIT", fmt::format("it took {} of memory, more than the {} of --task_memory", Shown(all.memory_bytes),
                                                    Shown(limits_.memory_bytes))};
  }
  return LookAtDisk(tree);
}

std::optional<LimitReached> ResourceWatch::LookAtDisk(const std::vector<TreeProcess>& tree) {
  auto begin = steady_clock::now();
  if (begin < next_walk_ || (limits_.disk_bytes == 0 && limits_.free_disk_bytes == 0)) return std::nullopt;
  Walked walked = Walk(work_folder_);
  walked.bytes += DeletedBytes(tree);
  struct stat log {};
  if (log_fd_ >= 0 && ::fstat(log_fd_, &log) == 0) walked.bytes += BytesOf(log);
  auto now = steady_clock::now();
  next_walk_ = now + std::max<steady_clock::duration>(kInterval, 20 * (now - begin));
  if (limits_.disk_bytes > 0 && (walked.bytes > limits_.disk_bytes || walked.files > kMostFiles)) {
    return LimitReached{"DISK_LIMIT", fmt::format("it wrote {} in {} files; the limit is {} (--task_disk)", Shown(walked.bytes), walked.files,
                                                  Shown(limits_.disk_bytes))};
  }
  auto free = FreeDiskBytes(work_folder_);
  if (free.ok() && *free < limits_.free_disk_bytes && walked.bytes > kSmallBytes) {
    return LimitReached{"DISK_FULL", fmt::format("the disk has only {} left, and this task holds {}", Shown(*free), Shown(walked.bytes))};
  }
  return std::nullopt;
}

}  // namespace ns
