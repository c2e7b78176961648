#include "tasks/cache_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <vector>

namespace ns {
namespace fs = std::filesystem;

namespace {

struct Entry {
  fs::path path;
  uint64_t bytes = 0;
  timespec used{};
};

// The entries of a folder; what goes while it is read is left out.
std::vector<Entry> EntriesOf(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (fs::directory_iterator next(folder, error), end; !error && next != end; next.increment(error)) {
    struct stat info{};
    if (!IsCacheEntryName(next->path().filename().string()) || ::lstat(next->path().c_str(), &info) != 0) continue;
    if (S_ISREG(info.st_mode) && info.st_nlink == 1) entries.push_back({next->path(), static_cast<uint64_t>(info.st_size), info.st_mtim});
  }
  return entries;
}

}  // namespace

bool IsCacheEntryName(std::string_view name) {
  constexpr std::string_view kSuffix = ".json";
  if (name.size() != 64 + kSuffix.size() || !name.ends_with(kSuffix)) return false;
  return name.substr(0, 64).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status MoveCacheEntries(const fs::path& from, const fs::path& to) {
  std::vector<Entry> entries = EntriesOf(from);
  std::erase_if(entries, [](const Entry& entry) { return entry.bytes > kMaxCacheEntryBytes; });
  if (entries.empty()) return OkStatus();
  std::error_code error;
  fs::create_directories(to, error);
  for (const Entry& entry : entries) {
    if (!error) fs::rename(entry.path, to / entry.path.filename(), error);
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot keep what was found out in '{}'", to.string()));
  return TrimCacheFolder(to);
}

Status TrimCacheFolder(const fs::path& folder, uint64_t max_bytes) {
  std::vector<Entry> entries = EntriesOf(folder);
  uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.bytes;
  if (bytes <= max_bytes) return OkStatus();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  for (const Entry& entry : entries) {
    if (bytes <= max_bytes) break;
    std::error_code error;
    if (fs::remove(entry.path, error)) bytes -= entry.bytes;
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot remove '{}'", entry.path.string()));
  }
  return OkStatus();
}

}  // namespace ns
