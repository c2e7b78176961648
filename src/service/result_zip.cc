#include "service/result_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kStoredBytes = 16 << 20;  // files larger than this are stored as they are

using ArchivePtr = std::unique_ptr<archive, int (*)(archive*)>;
using EntryPtr = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

Status ArchiveError(archive* zip, const fs::path& path) {
  int error = archive_errno(zip);
  return ErrnoStatus(error > 0 ? error : EIO, fmt::format("cannot write '{}'", path.string()));
}

Status AddFile(archive* zip, const fs::path& file, const fs::path& folder, const fs::path& target) {
  FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!in.valid()) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
  struct stat info {};
  if (::fstat(in.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
  // Weights hardly become smaller, but packing gigabytes of them takes minutes.
  bool big = info.st_size > kStoredBytes;
  int chosen = big ? archive_write_zip_set_compression_store(zip) : archive_write_zip_set_compression_deflate(zip);
  if (chosen != ARCHIVE_OK) return ArchiveError(zip, target);
  EntryPtr entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), file.lexically_relative(folder).c_str());
  archive_entry_set_size(entry.get(), info.st_size);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  if (archive_write_header(zip, entry.get()) != ARCHIVE_OK) return ArchiveError(zip, target);
  std::vector<char> buffer(1 << 18);
  while (true) {
    ssize_t got = ::read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
    if (got == 0) return OkStatus();
    if (archive_write_data(zip, buffer.data(), static_cast<size_t>(got)) < 0) return ArchiveError(zip, target);
  }
}

Status WriteZip(const std::vector<fs::path>& files, const fs::path& folder, const fs::path& target) {
  ArchivePtr zip(archive_write_new(), archive_write_free);
  archive_write_set_format_zip(zip.get());
  if (archive_write_open_filename(zip.get(), target.c_str()) != ARCHIVE_OK) return ArchiveError(zip.get(), target);
  for (const fs::path& file : files) NS_RETURN_IF_ERROR(AddFile(zip.get(), file, folder, target));
  if (archive_write_close(zip.get()) != ARCHIVE_OK) return ArchiveError(zip.get(), target);
  FileDescriptor written(::open(target.c_str(), O_RDONLY | O_CLOEXEC));
  if (!written.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", target.string()));
  return SyncFile(written.get(), target);
}

}  // namespace

Status ZipFolder(const fs::path& folder, const fs::path& zip) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    bool regular = at->symlink_status(error).type() == fs::file_type::regular;
    if (error) break;
    if (regular) files.push_back(at->path());
  }
  if (error || files.empty()) return NotFound(fmt::format("there is no result in '{}'", folder.string()), "NO_RESULT");
  std::sort(files.begin(), files.end());
  fs::path partial = zip.string() + ".partial";
  Status status = WriteZip(files, folder, partial);
  if (status.ok()) fs::rename(partial, zip, error);
  if (status.ok() && error) status = ErrnoStatus(error.value(), fmt::format("cannot write '{}'", zip.string()));
  if (status.ok()) return SyncFolder(zip.parent_path());
  fs::remove(partial, error);
  return status;
}

}  // namespace ns
