#include "outpost/node_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/hash.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

fs::path LockFile(const fs::path& file) { return file.string() + ".lock"; }

// Whoever holds a lock's file that was removed holds nothing.
bool IsStill(int fd, const fs::path& path) {
  struct stat held {}, named {};
  return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

Status CheckDigest(const fs::path& path, const OutpostFile& file) {
  NS_ASSIGN_OR_RETURN(std::string sha256, Sha256HexOfFile(path));
  if (sha256 == file.sha256) return OkStatus();
  return Status(StatusCode::kDataLoss, fmt::format("'{}' came with other bytes than its digest says", file.target), "DIGEST_MISMATCH");
}

bool IsThere(const fs::path& path, const OutpostFile& file) {
  std::error_code error;
  return fs::file_size(path, error) == file.size && !error && CheckDigest(path, file).ok();
}

struct Kept {
  fs::path file;
  uint64_t bytes = 0;
  timespec used{};
};

}  // namespace

Result<FileDescriptor> NodeStore::Lock(const fs::path& file) const {
  const fs::path path = LockFile(file);
  while (true) {
    FileDescriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (options_.stopped()) return Cancelled();
      ::usleep(50'000);
    }
    if (IsStill(lock.get(), path)) return lock;
  }
}

Status NodeStore::Place(const OutpostFile& file, const fs::path& target, const Bring& bring) const {
  std::error_code error;
  fs::create_directories(options_.folder, error);
  fs::path there = options_.folder / file.sha256, fresh = there.string() + ".new", aside = target.string() + ".new";
  {
    NS_ASSIGN_OR_RETURN(FileDescriptor lock, Lock(there));
    if (!IsThere(there, file)) {
      fs::remove(there, error);
      NS_RETURN_IF_ERROR(MakeRoom(file.size));
      NS_RETURN_IF_ERROR(bring(fresh));
      Status good = CheckDigest(fresh, file);
      if (!good.ok()) return fs::remove(fresh, error), good;
      fs::permissions(fresh, fs::perms::owner_read, error);
      fs::rename(fresh, there, error);
    }
    (void)::utimensat(AT_FDCWD, there.c_str(), nullptr, 0);
    fs::create_directories(target.parent_path(), error);
    fs::remove(aside, error);
    fs::create_hard_link(there, aside, error);
    if (!error) fs::rename(aside, target, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", target.string()));
    fs::remove(aside, error);  // a rename to another name of the same file does nothing
  }
  Trim(options_.max_bytes);
  return OkStatus();
}

Status NodeStore::MakeRoom(uint64_t bytes) const {
  NS_ASSIGN_OR_RETURN(uint64_t free, FreeDiskBytes(options_.folder));
  if (free >= options_.free_bytes + bytes) return OkStatus();
  Trim(0);
  NS_ASSIGN_OR_RETURN(free, FreeDiskBytes(options_.folder));
  if (free >= options_.free_bytes + bytes) return OkStatus();
  return ResourceExhausted(fmt::format("the node's disk has no room for {} bytes in '{}'", bytes, options_.folder.string()), "DISK_FULL");
}

void NodeStore::Trim(uint64_t max_bytes) const {
  std::vector<Kept> all;
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator at(options_.folder, error), end; !error && at != end; at.increment(error)) {
    struct stat info {};
    if (at->path().extension() == ".lock" || ::lstat(at->path().c_str(), &info) != 0) continue;
    all.push_back({at->path(), static_cast<uint64_t>(info.st_size), info.st_mtim});
    bytes += all.back().bytes;
  }
  std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec); });
  for (const Kept& one : all) {
    if (bytes <= max_bytes) return;
    fs::path entry = options_.folder / one.file.filename().string().substr(0, 64);
    FileDescriptor lock(::open(LockFile(entry).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.valid() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;  // it is in work
    if (fs::remove(one.file, error)) bytes -= one.bytes;
    fs::remove(LockFile(entry), error);
  }
}

}  // namespace ns
