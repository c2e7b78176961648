#include "base/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// Gone, or no folder any more: somebody else is at work there.
bool HasGone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

// By way of a descriptor that names this very folder: a link put in its place is not followed.
void Unlock(int parent, const char* name, mode_t rights) {
  FileDescriptor fd(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0 || (info.st_mode & rights) == rights) return;
  (void)::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), (info.st_mode | rights) & 07777);
}

class Walker {
 public:
  Walker(mode_t rights, const std::function<bool(const TreeEntry&)>& visit) : rights_(rights), visit_(visit) {}

  void Walk(int parent, const char* name, int depth) {
    Unlock(parent, name, rights_);
    int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return HasGone(errno) ? void() : Failed(ErrnoStatus(errno, fmt::format("cannot look into the folder '{}'", name)));
    std::unique_ptr<DIR, int (*)(DIR*)> folder(::fdopendir(fd), ::closedir);
    if (folder == nullptr) return ::close(fd), Failed(ResourceExhausted("no memory for a folder", "NO_MEMORY"));
    while (dirent* entry = ::readdir(folder.get())) {
      std::string_view text = entry->d_name;
      if (text != "." && text != "..") Visit(fd, entry->d_name, depth);
      if (ended_) return;
    }
  }
  Status status() const { return status_; }

 private:
  void Visit(int folder, const char* name, int depth) {
    struct stat info {};
    if (::fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return HasGone(errno) ? void() : Failed(ErrnoStatus(errno, fmt::format("cannot look at '{}'", name)));
    }
    ended_ = !visit_({folder, name, info});
    if (ended_ || !S_ISDIR(info.st_mode)) return;
    if (depth < kMaxTreeDepth) return Walk(folder, name, depth + 1);
    Failed(ResourceExhausted(fmt::format("more than {} folders in each other", kMaxTreeDepth), "FOLDERS_TOO_DEEP"));
  }
  void Failed(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  const mode_t rights_;
  const std::function<bool(const TreeEntry&)>& visit_;
  Status status_;
  bool ended_ = false;
};

class Remover {
 public:
  explicit Remover(const fs::path& path) : path_(path) {}

  Status Run() {
    Unlock(AT_FDCWD, path_.c_str(), S_IRWXU);
    root_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root_.valid()) return Failure();
    do {
      lifted_ = 0;
      Empty(root_.get(), 0);
    } while (lifted_ > 0);
    return ::rmdir(path_.c_str()) == 0 || errno == ENOENT ? OkStatus() : Failure();
  }

 private:
  // What cannot be removed keeps its folder from being removed, and that is the failure.
  void Empty(int folder, int depth) {
    std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), ::closedir);
    if (entries == nullptr) return;
    while (dirent* entry = ::readdir(entries.get())) {
      std::string_view name = entry->d_name;
      if (name == "." || name == ".." || ::unlinkat(folder, entry->d_name, 0) == 0 || (errno != EISDIR && errno != EPERM)) continue;
      if (depth == kMaxTreeDepth && Lift(folder, entry->d_name)) continue;
      Unlock(folder, entry->d_name, S_IRWXU);
      FileDescriptor inner(::openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (inner.valid() && depth < kMaxTreeDepth) Empty(inner.get(), depth + 1);
      ::unlinkat(folder, entry->d_name, AT_REMOVEDIR);
    }
  }
  // Too deep for one descriptor a level: a folder is put into the outermost one instead.
  bool Lift(int folder, const char* name) {
    bool done = ::renameat(folder, name, root_.get(), fmt::format(".lifted.{}", names_++).c_str()) == 0;
    lifted_ += done ? 1 : 0;
    return done;
  }
  Status Failure() const { return ErrnoStatus(errno, fmt::format("cannot remove '{}'", path_.string())); }

  const fs::path& path_;
  FileDescriptor root_;
  int lifted_ = 0, names_ = 0;
};

}  // namespace

Status WalkTree(const fs::path& folder, mode_t rights, const std::function<bool(const TreeEntry&)>& visit) {
  Walker walker(rights, visit);
  walker.Walk(AT_FDCWD, folder.c_str(), 0);
  return walker.status();
}

uint64_t TreeBytes(const fs::path& folder) {
  uint64_t bytes = 0;
  (void)WalkTree(folder, S_IRUSR | S_IXUSR, [&](const TreeEntry& entry) { return bytes += DiskBytesOf(entry.info), true; });
  return bytes;
}

Status RemoveTree(const fs::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return OkStatus();
  if (errno != EISDIR && errno != EPERM) return ErrnoStatus(errno, fmt::format("cannot remove '{}'", path.string()));
  return Remover(path).Run();
}

}  // namespace ns
