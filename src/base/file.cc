#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace ns {
namespace fs = std::filesystem;

namespace {

std::string Quoted(const fs::path& path) { return fmt::format("'{}'", path.string()); }

fs::path FolderOf(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

}  // namespace

void FileDescriptor::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Status WriteAll(int fd, std::string_view bytes, const fs::path& name_for_errors) {
  while (!bytes.empty()) {
    ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "cannot write " + Quoted(name_for_errors));
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return OkStatus();
}

Status SyncFile(int fd, const fs::path& name_for_errors) {
  if (::fsync(fd) != 0) return ErrnoStatus(errno, "cannot write " + Quoted(name_for_errors));
  return OkStatus();
}

Status SyncFolder(const fs::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot open folder " + Quoted(folder));
  return SyncFile(fd.get(), folder);
}

Result<std::string> ReadFile(const fs::path& path, uint64_t max_bytes) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot read " + Quoted(path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "cannot read " + Quoted(path));
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "cannot read " + Quoted(path));
  auto too_large = [&] {
    return ResourceExhausted(fmt::format("{} is larger than the {} bytes allowed", Quoted(path), max_bytes), "FILE_TOO_LARGE");
  };
  // A hole costs nobody anything to write: never take memory for what a file only says of its size.
  if (S_ISREG(info.st_mode) && static_cast<uint64_t>(info.st_size) > max_bytes) return too_large();
  std::string content;
  content.reserve(std::min(static_cast<size_t>(info.st_size), size_t{64} << 20));
  std::vector<char> buffer(1 << 16);
  while (true) {
    ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoStatus(errno, "cannot read " + Quoted(path));
    }
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<size_t>(got));
    if (content.size() > max_bytes) return too_large();
  }
}

Status WriteFileAtomic(const fs::path& path, std::string_view content) {
  std::string pattern = (FolderOf(path) / ("." + path.filename().string() + ".XXXXXX")).string();
  FileDescriptor fd(::mkostemp(pattern.data(), O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot write " + Quoted(path));
  Status status = WriteAll(fd.get(), content, path);
  if (status.ok() && ::fchmod(fd.get(), 0644) != 0) status = ErrnoStatus(errno, "cannot write " + Quoted(path));
  if (status.ok()) status = SyncFile(fd.get(), path);
  fd.reset();
  if (status.ok() && ::rename(pattern.c_str(), path.c_str()) != 0) status = ErrnoStatus(errno, "cannot write " + Quoted(path));
  if (!status.ok()) {
    ::unlink(pattern.c_str());
    return status;
  }
  return SyncFolder(FolderOf(path));
}

Result<fs::path> ResolveBelow(const fs::path& root, const fs::path& untrusted) {
  auto outside = [&] {
    return InvalidArgument(fmt::format("{} is not a path below {}", Quoted(untrusted), Quoted(root)), "PATH_OUTSIDE_ROOT");
  };
  if (untrusted.empty() || untrusted.is_absolute() || untrusted.string().find('\0') != std::string::npos) return outside();
  std::error_code error;
  fs::path real_root = fs::canonical(root, error);
  if (error) return ErrnoStatus(error.value(), "cannot resolve " + Quoted(root));
  // A path that does not exist may still name something outside; say so rather than tell whether it is there.
  fs::path weak = fs::weakly_canonical(real_root / untrusted, error);
  if (error) return ErrnoStatus(error.value(), "cannot resolve " + Quoted(untrusted));
  fs::path relative = weak.lexically_relative(real_root);
  if (relative.empty() || *relative.begin() == "..") return outside();
  if (!fs::exists(weak, error)) return NotFound(fmt::format("{} does not exist below {}", Quoted(untrusted), Quoted(root)), "FILE_NOT_FOUND");
  return weak;
}

Result<uint64_t> FreeDiskBytes(const fs::path& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, "cannot ask for the free space of " + Quoted(path));
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<std::shared_ptr<const MappedFile>> MappedFile::Open(const fs::path& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "cannot read " + Quoted(path));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "cannot read " + Quoted(path));
  if (!S_ISREG(info.st_mode)) return InvalidArgument(Quoted(path) + " is not a regular file", "BAD_PATH");
  size_t size = static_cast<size_t>(info.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) return ErrnoStatus(errno, "cannot map " + Quoted(path));
    data = static_cast<const std::byte*>(mapped);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::DropPages() const {
  if (data_ != nullptr) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

Result<TempDir> TempDir::Create(std::string_view prefix, const fs::path& parent) {
  std::error_code error;
  fs::path where = parent.empty() ? fs::temp_directory_path(error) : parent;
  if (error) return ErrnoStatus(error.value(), "cannot find the temporary folder");
  std::string pattern = (where / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(errno, "cannot create a folder in " + Quoted(where));
  return TempDir(fs::path(pattern));
}

TempDir::~TempDir() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

}  // namespace ns
