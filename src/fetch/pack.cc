#include "fetch/pack.h"

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

constexpr int64_t kStoredBytes = 16 << 20;  // weights hardly become smaller, but packing gigabytes of them takes minutes

using ArchivePtr = std::unique_ptr<archive, int (*)(archive*)>;
using EntryPtr = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

class Packer {
 public:
  Packer(const fs::path& target, const PackOptions& options) : target_(target), options_(options) {}

  Status Run(const std::vector<fs::path>& files, const fs::path& folder) {
    if (options_.zip) {
      archive_write_set_format_zip(out_.get());
    } else {
      archive_write_set_format_pax_restricted(out_.get());
    }
    if (archive_write_open_filename(out_.get(), target_.c_str()) != ARCHIVE_OK) return WriteError();
    for (const fs::path& file : files) NS_RETURN_IF_ERROR(Add(file, options_.top / file.lexically_relative(folder)));
    return archive_write_close(out_.get()) == ARCHIVE_OK ? OkStatus() : WriteError();
  }

 private:
  Status WriteError() {
    int error = archive_errno(out_.get());
    return ErrnoStatus(error > 0 ? error : EIO, fmt::format("cannot write '{}'", target_.string()));
  }

  Status Add(const fs::path& file, const fs::path& name) {
    FileDescriptor in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | (options_.follow_links ? 0 : O_NOFOLLOW)));
    struct stat info {};
    if (!in.valid() || ::fstat(in.get(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
    bool store = info.st_size > kStoredBytes;
    int chosen = !options_.zip ? ARCHIVE_OK
                 : store       ? archive_write_zip_set_compression_store(out_.get())
                               : archive_write_zip_set_compression_deflate(out_.get());
    if (chosen != ARCHIVE_OK) return WriteError();
    EntryPtr entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), info.st_size);
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    if (archive_write_header(out_.get(), entry.get()) != ARCHIVE_OK) return WriteError();
    while (true) {
      if (options_.stop && options_.stop()) return Cancelled();
      ssize_t got = ::read(in.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file.string()));
      if (got == 0) return OkStatus();
      if (archive_write_data(out_.get(), buffer_.data(), static_cast<size_t>(got)) < 0) return WriteError();
    }
  }

  const fs::path target_;
  const PackOptions options_;
  ArchivePtr out_{archive_write_new(), archive_write_free};
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

}  // namespace

Status PackFolder(const fs::path& folder, const fs::path& target, const PackOptions& options) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    bool regular = (options.follow_links ? at->status(error) : at->symlink_status(error)).type() == fs::file_type::regular;
    if (error && !options.follow_links) break;
    error.clear();  // a link that leads nowhere
    if (!regular || (options.leave_out && options.leave_out(at->path().lexically_relative(folder)))) continue;
    files.push_back(at->path());
  }
  if (error || files.empty()) return NotFound(fmt::format("there are no files in '{}'", folder.string()), "NO_FILES");
  std::sort(files.begin(), files.end());
  return Packer(target, options).Run(files, folder);
}

}  // namespace ns
