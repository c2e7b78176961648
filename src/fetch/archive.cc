#include "fetch/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

using ArchivePtr = std::unique_ptr<archive, int (*)(archive*)>;

// For messages: what is not printable is replaced.
std::string Shown(std::string_view name) {
  std::string shown(name.substr(0, 200));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return shown;
}

Status BadEntry(std::string_view name, std::string_view why) {
  return InvalidArgument(fmt::format("the entry '{}' of the archive {}", Shown(name), why), "BAD_ARCHIVE_ENTRY");
}

class Unpacker {
 public:
  Unpacker(const fs::path& file, const fs::path& folder, const UnpackLimits& limits) : file_(file), folder_(folder), limits_(limits) {}
  Status Run();

 private:
  Status Open();
  Status Bad() const;
  Status Entry(archive_entry* entry);
  Status File(const fs::path& path, std::string_view name, int64_t length);
  Status CheckSize(std::string_view name) const;

  const fs::path& file_;
  const fs::path& folder_;
  const UnpackLimits& limits_;
  ArchivePtr in_{archive_read_new(), archive_read_free};
  uint64_t packed_ = 0, unpacked_ = 0, entries_ = 0;
};

Status Unpacker::Bad() const {
  if (archive_errno(in_.get()) == ENOMEM) return ResourceExhausted("no memory to unpack an archive", "NO_MEMORY");
  const char* text = archive_error_string(in_.get());
  return InvalidArgument(fmt::format("'{}' is no archive that can be unpacked: {}", file_.filename().string(), Shown(text == nullptr ? "" : text)),
                         "BAD_ARCHIVE");
}

Status Unpacker::Open() {
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) return ErrnoStatus(errno, fmt::format("cannot read '{}'", file_.string()));
  packed_ = static_cast<uint64_t>(info.st_size);
  archive* in = in_.get();
  archive_read_support_format_zip(in);
  archive_read_support_format_tar(in);
  archive_read_support_filter_gzip(in);
  archive_read_support_filter_xz(in);
  archive_read_support_filter_zstd(in);
  if (archive_read_open_filename(in, file_.c_str(), 256 << 10) != ARCHIVE_OK) return Bad();
  // One layer of packing around a tar: a packed file in a packed file is a trick.
  if (archive_filter_count(in) > 2) {
    return InvalidArgument(fmt::format("'{}' is packed more than once", file_.filename().string()), "BAD_ARCHIVE");
  }
  return OkStatus();
}

Status Unpacker::CheckSize(std::string_view name) const {
  if (unpacked_ > limits_.max_bytes) {
    return ResourceExhausted(fmt::format("the archive holds more than the {} bytes allowed (at '{}')", limits_.max_bytes, Shown(name)),
                             "ARCHIVE_TOO_LARGE");
  }
  if (unpacked_ > limits_.ratio_free_bytes && (unpacked_ - limits_.ratio_free_bytes) / limits_.max_ratio > packed_) {
    return ResourceExhausted(fmt::format("the archive unpacks to more than {} times its size (at '{}')", limits_.max_ratio, Shown(name)),
                             "ARCHIVE_TOO_LARGE");
  }
  if (limits_.stopped && limits_.stopped()) return Cancelled();
  return OkStatus();
}

// Nothing but us makes things below the folder, and we make no links: a checked path stays below it.
Status Unpacker::File(const fs::path& path, std::string_view name, int64_t length) {
  fs::path target = folder_ / path;
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error == std::errc::not_a_directory || error == std::errc::file_exists) return BadEntry(name, "lies in what is a file before it");
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", target.parent_path().string()));
  FileDescriptor out(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!out.valid() && (errno == EEXIST || errno == EISDIR)) return BadEntry(name, "is there twice");
  if (!out.valid() && errno == ENOTDIR) return BadEntry(name, "lies in what is a file before it");
  if (!out.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", target.string()));
  while (true) {
    const void* data = nullptr;
    size_t size = 0;
    int64_t offset = 0;
    int code = archive_read_data_block(in_.get(), &data, &size, &offset);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK) return Bad();
    // A hole counts as what it stands for.
    off_t at = ::lseek(out.get(), 0, SEEK_CUR);
    if (offset < at || offset > static_cast<int64_t>(limits_.max_bytes)) return BadEntry(name, "is damaged");
    unpacked_ += size + static_cast<uint64_t>(offset - at);
    NS_RETURN_IF_ERROR(CheckSize(name));
    if (offset > at && ::lseek(out.get(), offset, SEEK_SET) < 0) return ErrnoStatus(errno, fmt::format("cannot write '{}'", target.string()));
    NS_RETURN_IF_ERROR(WriteAll(out.get(), std::string_view(static_cast<const char*>(data), size), target));
  }
  off_t end = ::lseek(out.get(), 0, SEEK_CUR);
  if (length <= end) return OkStatus();
  unpacked_ += static_cast<uint64_t>(length - end);  // a hole at the end is no block
  NS_RETURN_IF_ERROR(CheckSize(name));
  return ::ftruncate(out.get(), length) == 0 ? OkStatus() : ErrnoStatus(errno, fmt::format("cannot write '{}'", target.string()));
}

Status Unpacker::Entry(archive_entry* entry) {
  const char* text = archive_entry_pathname(entry);
  std::string name = text == nullptr ? "" : text;
  if (++entries_ > limits_.max_entries) {
    return ResourceExhausted(fmt::format("the archive holds more than the {} entries allowed", limits_.max_entries), "ARCHIVE_TOO_LARGE");
  }
  if (archive_entry_is_encrypted(entry)) return InvalidArgument("the archive is encrypted; pack it without a password", "BAD_ARCHIVE");
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr) {
    return BadEntry(name, "is a link; pack the files themselves (tar --dereference --hard-dereference)");
  }
  NS_ASSIGN_OR_RETURN(fs::path path, EntryPath(name, limits_));
  auto type = archive_entry_filetype(entry);
  if (type == AE_IFDIR) {
    std::error_code error;
    fs::create_directories(folder_ / path, error);
    if (error == std::errc::not_a_directory || error == std::errc::file_exists) return BadEntry(name, "is there as a file too");
    return error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", (folder_ / path).string())) : OkStatus();
  }
  if (type != AE_IFREG) return BadEntry(name, "is neither a file nor a folder");
  if (path.empty()) return BadEntry(name, "has no name");
  return File(path, name, archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0);
}

Status Unpacker::Run() {
  if (in_ == nullptr) return ResourceExhausted("no memory to unpack an archive", "NO_MEMORY");
  NS_RETURN_IF_ERROR(Open());
  while (true) {
    archive_entry* entry = nullptr;
    int code = archive_read_next_header(in_.get(), &entry);
    if (code == ARCHIVE_EOF) break;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return Bad();
    NS_RETURN_IF_ERROR(Entry(entry));
    NS_RETURN_IF_ERROR(CheckSize("its list of files"));
  }
  return entries_ > 0 ? OkStatus() : InvalidArgument(fmt::format("'{}' is empty", file_.filename().string()), "BAD_ARCHIVE");
}

}  // namespace

Result<fs::path> EntryPath(std::string_view name, const UnpackLimits& limits) {
  if (name.size() > limits.max_path_bytes) return BadEntry(name, fmt::format("has a name of more than {} bytes", limits.max_path_bytes));
  if (name.starts_with('/')) return BadEntry(name, "has an absolute name");
  for (unsigned char c : name) {
    if (c < 0x20 || c == 0x7f || c == '\\') return BadEntry(name, "has a control character or a backslash in its name");
  }
  fs::path path;
  int depth = 0;
  while (!name.empty()) {
    size_t slash = name.find('/');
    std::string_view part = name.substr(0, slash);
    name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..") return BadEntry(std::string(path.string()) + "/..", "leaves the folder");
    if (part.size() > 255) return BadEntry(part, "has a name of more than 255 bytes");
    if (++depth > limits.max_depth) return BadEntry(path.string(), fmt::format("lies more than {} folders deep", limits.max_depth));
    path /= part;
  }
  return path;
}

Status UnpackArchive(const fs::path& archive, const fs::path& folder, const UnpackLimits& limits) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(folder, error))) {
    return Status(StatusCode::kAlreadyExists, fmt::format("'{}' is there already", folder.string()), "FOLDER_EXISTS");
  }
  NS_ASSIGN_OR_RETURN(TempDir aside, TempDir::Create("." + folder.filename().string() + ".", folder.parent_path()));
  NS_RETURN_IF_ERROR(Unpacker(archive, aside.path(), limits).Run());
  if (::chmod(aside.path().c_str(), 0755) != 0 || ::rename(aside.path().c_str(), folder.c_str()) != 0) {
    return ErrnoStatus(errno, fmt::format("cannot make '{}'", folder.string()));
  }
  (void)aside.Release();
  return OkStatus();
}

}  // namespace ns
