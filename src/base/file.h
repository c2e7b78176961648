// Files: whole reads, durable replacement, read-only mappings, temporary folders, and paths that may not leave their root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

// The whole file. NotFound, PermissionDenied; ResourceExhausted (FILE_TOO_LARGE) when it is longer than `max_bytes`.
Result<std::string> ReadFile(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 40);

// Replaces `path` so that a reader, and a power cut, sees the old content or the new, never a part: writes a temporary neighbour,
// fsyncs it, renames it, fsyncs the folder. On failure nothing is left behind. ResourceExhausted (DISK_FULL) when there is no room.
Status WriteFileAtomic(const std::filesystem::path& path, std::string_view content);

// `untrusted` resolved below `root`, links included; it must exist. InvalidArgument (PATH_OUTSIDE_ROOT) when it is absolute or ends
// anywhere else than below `root`; NotFound when it is not there.
Result<std::filesystem::path> ResolveBelow(const std::filesystem::path& root, const std::filesystem::path& untrusted);

// Bytes that an unprivileged process can still write on the file system that holds `path`.
Result<uint64_t> FreeDiskBytes(const std::filesystem::path& path);

// A file mapped read-only; pages are loaded when touched. The mapping lives as long as any shared_ptr to it.
// Const and thread-safe. A file truncated by somebody else while mapped kills the process on access (SIGBUS), as for every mmap.
class MappedFile {
 public:
  static Result<std::shared_ptr<const MappedFile>> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Tells the kernel that the pages are not needed now (they leave the resident set; touching them reads them again).
  void DropPages() const;

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::filesystem::path path_;
  const std::byte* data_;
  size_t size_;
};

// A folder of its own (mode 0700) that is removed with all it holds when the object goes.
class TempDir {
 public:
  // Below `parent` (default: the system's temporary folder), named `prefix` plus random characters.
  static Result<TempDir> Create(std::string_view prefix, const std::filesystem::path& parent = {});
  ~TempDir();
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;

  const std::filesystem::path& path() const { return path_; }
  // Keeps the folder: it is no longer removed.
  std::filesystem::path Release() { return std::exchange(path_, {}); }

 private:
  explicit TempDir(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// An open descriptor, closed with the object.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Writes all of `bytes`, however many calls it takes.
Status WriteAll(int fd, std::string_view bytes, const std::filesystem::path& name_for_errors);
Status SyncFile(int fd, const std::filesystem::path& name_for_errors);
// Makes renames and creations inside `folder` durable.
Status SyncFolder(const std::filesystem::path& folder);

}  // namespace ns
