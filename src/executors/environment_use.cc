#include "executors/environment_use.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/tree.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

fs::path LockOf(const fs::path& folder) { return folder.string() + ".used"; }

// Who removes an environment removes its lock's file, too, perhaps while we waited for it.
bool IsStillLockOf(const FileDescriptor& lock, const fs::path& folder) {
  struct stat held {}, there {};
  return ::fstat(lock.get(), &held) == 0 && ::stat(LockOf(folder).c_str(), &there) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

Result<FileDescriptor> OpenLock(const fs::path& folder) {
  FileDescriptor lock(::open(LockOf(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", LockOf(folder).string()));
  return lock;
}

}  // namespace

Result<EnvironmentUse> EnvironmentUse::Begin(const fs::path& folder) {
  std::error_code error;
  while (true) {
    fs::create_directories(folder.parent_path(), error);
    if (error) break;
    NS_ASSIGN_OR_RETURN(FileDescriptor lock, OpenLock(folder));
    while (::flock(lock.get(), LOCK_SH) != 0) {
      if (errno != EINTR) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", LockOf(folder).string()));
    }
    if (!IsStillLockOf(lock, folder)) continue;
    fs::create_directory(folder, error);
    if (error) break;
    ::futimens(lock.get(), nullptr);
    return EnvironmentUse(std::move(lock));
  }
  return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder.string()));
}

EnvironmentUse::~EnvironmentUse() {
  if (lock_.valid()) ::futimens(lock_.get(), nullptr);
}

bool IsCompleteEnvironment(const fs::path& folder) {
  std::error_code ignored;
  return fs::symlink_status(folder / "complete", ignored).type() == fs::file_type::regular;
}

fs::file_time_type EnvironmentUsed(const fs::path& folder) {
  std::error_code error;
  auto used = fs::last_write_time(LockOf(folder), error);
  return error ? fs::file_time_type::min() : used;
}

Result<bool> RemoveUnusedEnvironment(const fs::path& folder) {
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, OpenLock(folder));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || !IsStillLockOf(lock, folder)) return false;
  // The marker first: should we end on the way, the rest is taken for a failed build.
  NS_RETURN_IF_ERROR(RemoveTree(folder / "complete"));
  NS_RETURN_IF_ERROR(RemoveTree(folder));
  ::unlink(LockOf(folder).c_str());
  return true;
}

}  // namespace ns
