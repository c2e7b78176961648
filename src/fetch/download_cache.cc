#include "fetch/download_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "fetch/address.h"
#include "fetch/place_file.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

// What is known of an entry's data: five lines.
struct Meta {
  FileVersion version;
  uint64_t size = 0;
  std::string sha256;
  std::string name;
};

std::optional<Meta> ReadMeta(const fs::path& entry) {
  auto text = ReadFile(entry / "meta", 64 << 10);
  if (!text.ok()) return std::nullopt;
  std::istringstream lines(*text);
  Meta meta;
  std::string size;
  std::getline(lines, meta.version.etag);
  std::getline(lines, meta.version.last_modified);
  std::getline(lines, size);
  std::getline(lines, meta.sha256);
  std::getline(lines, meta.name);
  auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), meta.size);
  bool good = error == std::errc() && meta.sha256.size() == 64 && meta.name == SafeFileName(meta.name);
  return good ? std::optional(meta) : std::nullopt;
}

Status WriteMeta(const fs::path& entry, const Meta& meta) {
  return WriteFileAtomic(entry / "meta", fmt::format("{}\n{}\n{}\n{}\n{}\n", meta.version.etag, meta.version.last_modified, meta.size, meta.sha256,
                                                     meta.name));
}

FileDescriptor OpenLock(const fs::path& entry) { return FileDescriptor(::open((entry / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)); }

// Somebody may have moved the entry away, or removed it, while we waited for its lock.
bool IsStillLockOf(const FileDescriptor& lock, const fs::path& entry) {
  struct stat held {}, there {};
  return ::fstat(lock.get(), &held) == 0 && ::stat((entry / "lock").c_str(), &there) == 0 && held.st_ino == there.st_ino &&
         held.st_dev == there.st_dev;
}

// The entry's lock. An entry that is being removed takes its lock file with it: then its folder is made again.
Result<FileDescriptor> LockEntry(const fs::path& entry) {
  while (true) {
    std::error_code error;
    fs::create_directories(entry, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", entry.string()));
    FileDescriptor lock = OpenLock(entry);
    if (!lock.valid() && errno == ENOENT) continue;
    if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", (entry / "lock").string()));
    while (::flock(lock.get(), LOCK_EX) != 0) {
      if (errno != EINTR) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", entry.string()));
    }
    if (IsStillLockOf(lock, entry)) return lock;
  }
}

// Removes an entry unless somebody works on it. It is moved aside first: who wants it meanwhile makes it afresh, beside what is being removed.
bool RemoveEntry(const fs::path& entry) {
  FileDescriptor lock = OpenLock(entry);
  bool is_file = !lock.valid() && errno == ENOTDIR;  // nobody's
  bool locked = lock.valid() && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0 && IsStillLockOf(lock, entry);
  if (!locked && !is_file) return false;
  auto aside = TempDir::Create("removed.", entry.parent_path());
  return aside.ok() && ::rename(entry.c_str(), (aside->path() / "entry").c_str()) == 0;
}

// What was fetched before, if it is still the same bytes.
std::optional<Meta> Usable(const fs::path& entry) {
  auto meta = ReadMeta(entry);
  std::error_code error;
  if (!meta || fs::file_size(entry / "data", error) != meta->size || error) return std::nullopt;
  auto digest = Sha256HexOfFile(entry / "data");
  return digest.ok() && *digest == meta->sha256 ? meta : std::nullopt;
}

}  // namespace

Result<DownloadCache::File> DownloadCache::Fetch(const std::string& url, const fs::path& into, const FetchOptions& options) const {
  NS_ASSIGN_OR_RETURN(Address address, ParseAddress(url, options.rules));
  fs::path entry = options_.folder / Sha256Hex(address.url);
  File file;
  {
    NS_ASSIGN_OR_RETURN(FileDescriptor lock, LockEntry(entry));
    std::optional<Meta> meta = Usable(entry);
    NS_ASSIGN_OR_RETURN(Fetched fetched, Download(address.url, meta ? meta->version : FileVersion(), entry / "fetched", options));
    if (!fetched.not_modified) {
      std::error_code error;
      fs::remove(entry / "meta", error);
      fs::rename(entry / "fetched", entry / "data", error);
      if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", (entry / "data").string()));
      meta.emplace();
      meta->version = fetched.version;
      meta->size = fetched.size;
      meta->name = fetched.name;
      NS_ASSIGN_OR_RETURN(meta->sha256, Sha256HexOfFile(entry / "data"));
      NS_RETURN_IF_ERROR(WriteMeta(entry, *meta));
    }
    file = {into / meta->name, meta->sha256, fetched.not_modified};
    NS_RETURN_IF_ERROR(PlaceFile(entry / "data", file.path));
    ::utimensat(AT_FDCWD, (entry / "lock").c_str(), nullptr, 0);  // used now
  }
  Trim();
  return file;
}

// An entry that somebody works on stays.
void DownloadCache::Trim() const {
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    uint64_t bytes = 0;
  };
  std::vector<Entry> entries;
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(options_.folder, error), end; !error && at != end; at.increment(error)) {
    Entry entry{at->path(), {}, 0};
    std::error_code missing;
    entry.used = fs::last_write_time(entry.path / "lock", missing);
    for (const char* name : {"data", "fetched.part"}) {
      uint64_t size = fs::file_size(entry.path / name, missing);
      if (!missing) entry.bytes += size;
    }
    total += entry.bytes;
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  for (const Entry& entry : entries) {
    if (total <= options_.max_bytes) return;
    if (RemoveEntry(entry.path)) total -= entry.bytes;
  }
}

}  // namespace ns
