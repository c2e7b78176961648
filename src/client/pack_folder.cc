#include "client/pack_folder.h"

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

using ArchivePtr = std::unique_ptr<archive, int (*)(archive*)>;
using EntryPtr = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

Status WriteError(archive* tar, const fs::path& path) {
  int error = archive_errno(tar);
  return ErrnoStatus(error > 0 ? error : EIO, fmt::format("cannot write '{}'", path.string()));
}

Status Add(archive* tar, const fs::path& file, const std::string& name, const fs::path& target) {
  FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!in.valid() || ::fstat(in.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
  EntryPtr entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), info.st_size);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  if (archive_write_header(tar, entry.get()) != ARCHIVE_OK) return WriteError(tar, target);
  std::vector<char> buffer(1 << 18);
  while (true) {
    ssize_t got = ::read(in.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
    if (got == 0) return OkStatus();
    if (archive_write_data(tar, buffer.data(), static_cast<size_t>(got)) < 0) return WriteError(tar, target);
  }
}

}  // namespace

Status PackFolder(const fs::path& folder, const fs::path& tar) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error)) files.push_back(at->path());
  }
  if (error || files.empty()) return NotFound(fmt::format("there are no files in '{}'", folder.string()), "NO_FILES");
  std::sort(files.begin(), files.end());
  fs::path top = fs::weakly_canonical(folder, error).filename();
  ArchivePtr out(archive_write_new(), archive_write_free);
  archive_write_set_format_pax_restricted(out.get());
  if (archive_write_open_filename(out.get(), tar.c_str()) != ARCHIVE_OK) return WriteError(out.get(), tar);
  for (const fs::path& file : files) NS_RETURN_IF_ERROR(Add(out.get(), file, (top / file.lexically_relative(folder)).string(), tar));
  return archive_write_close(out.get()) == ARCHIVE_OK ? OkStatus() : WriteError(out.get(), tar);
}

}  // namespace ns
