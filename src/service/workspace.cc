#include "service/workspace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace ns {
namespace fs = std::filesystem;

Result<Workspace> Workspace::Create(const fs::path& root) {
  std::error_code error;
  fs::path absolute = fs::absolute(root, error).lexically_normal();
  for (const char* folder : {"db", "serve_log", "task_log", "task_workspace", "uploads", "cache"}) {
    if (!error) fs::create_directories(absolute / folder, error);
  }
  // Requests, hashes of tokens, models and data are nobody else's business.
  for (const char* folder : {"db", "serve_log", "task_log", "task_workspace", "uploads", "cache"}) {
    if (!error) fs::permissions(absolute / folder, fs::perms::owner_all, error);
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make the workspace '{}'", absolute.string()));
  return Workspace(absolute);
}

Result<FileDescriptor> Workspace::Lock() const {
  fs::path file = root_ / "serve.lock";
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", file.string()));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Status(StatusCode::kAlreadyExists, fmt::format("a service already runs on the workspace '{}'", root_.string()), "ALREADY_RUNNING");
  }
  return lock;
}

}  // namespace ns
