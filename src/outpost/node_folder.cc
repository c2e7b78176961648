#include "outpost/node_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/tree.h"
#include "tasks/outpost_files.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kUseLock = "use.lock";

Status MakeRoot(const fs::path& root) {
  std::error_code error;
  fs::create_directories(root.parent_path(), error);
  if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, fmt::format("cannot make '{}'", root.string()));
  struct stat info {};
  if (::lstat(root.c_str(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot look at '{}'", root.string()));
  if (S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0) return OkStatus();
  return Status(StatusCode::kPermissionDenied, fmt::format("'{}' is another user's, or can be written to by others", root.string()), "NOT_OURS");
}

Result<FileDescriptor> OpenLock(const fs::path& path) {
  FileDescriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return lock.valid() ? Result<FileDescriptor>(std::move(lock)) : ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
}

// Held for moments only.
Result<FileDescriptor> LockRoot(const fs::path& root) {
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, OpenLock(root / "lock"));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", root.string()));
  }
  return lock;
}

void RemoveUnused(const fs::path& task) {
  FileDescriptor lock(::open((task / kUseLock).c_str(), O_RDWR | O_CLOEXEC));
  if (lock.valid() && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return;
  (void)RemoveTree(task);
}

}  // namespace

Result<NodeFolder> NodeFolder::Enter(const fs::path& root, const std::string& task) {
  NS_RETURN_IF_ERROR(MakeRoot(root));
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, LockRoot(root));
  fs::path folder = NodeTaskFolder(root, task);
  std::vector<fs::path> all;
  std::error_code error;
  for (fs::directory_iterator at(folder.parent_path(), error), end; !error && at != end; at.increment(error)) all.push_back(at->path());
  for (const fs::path& one : all) RemoveUnused(one);
  fs::create_directories(folder, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder.string()));
  NS_ASSIGN_OR_RETURN(FileDescriptor use, OpenLock(folder / kUseLock));
  if (::flock(use.get(), LOCK_SH | LOCK_NB) != 0) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", folder.string()));
  return NodeFolder(root, folder, std::move(use));
}

NodeFolder::~NodeFolder() {
  if (!use_.valid()) return;
  auto lock = LockRoot(root_);
  use_.reset();
  if (lock.ok()) RemoveUnused(task_);
}

Result<FileDescriptor> NodeFolder::LockGiven(const std::function<bool()>& stopped) const {
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, OpenLock(task_ / "given.lock"));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (stopped()) return Cancelled();
    ::usleep(50'000);
  }
  return lock;
}

}  // namespace ns
