#include "hub/hub_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxBlobName = 128;
constexpr const char* kPrefix = "models--";

std::string FolderName(const std::string& id) {
  std::string name = kPrefix + id;
  size_t slash = name.find('/');
  return slash == std::string::npos ? name : name.replace(slash, 1, "--");
}

Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", folder.string())) : OkStatus();
}

Result<FileDescriptor> Locked(const fs::path& file, int how) {
  NS_RETURN_IF_ERROR(MakeFolder(file.parent_path()));
  FileDescriptor lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664));
  if (!lock.valid()) return ErrnoStatus(errno, fmt::format("cannot open '{}'", file.string()));
  while (::flock(lock.get(), how) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, fmt::format("cannot lock '{}'", file.string()));
  }
  return lock;
}

uint64_t BytesOf(const fs::path& folder) {
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    uint64_t size = at->file_size(gone);
    if (!gone) total += size;
  }
  return total;
}

}  // namespace

bool IsCommit(std::string_view text) { return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

std::string BlobName(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  bool plain = std::all_of(etag.begin(), etag.end(), [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_'); });
  return plain && !etag.empty() && etag.size() <= kMaxBlobName ? std::string(etag) : "";
}

HubCache::HubCache(const fs::path& cache, const HubName& name)
    : repository_(fs::absolute(cache) / FolderName(name.id)), locks_(fs::absolute(cache) / ".locks" / FolderName(name.id)) {}

std::optional<std::string> HubCache::CommitOf(const std::string& revision) const {
  if (IsCommit(revision)) return revision;
  std::string text = ReadFile(repository_ / "refs" / revision, 1 << 10).value_or("");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return IsCommit(text) ? std::optional(text) : std::nullopt;
}

std::vector<std::string> HubCache::FilesOf(const std::string& commit) const {
  std::vector<std::string> files;
  std::error_code error;
  fs::path top = snapshot(commit);
  for (fs::recursive_directory_iterator at(top, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_regular_file(gone)) files.push_back(at->path().lexically_relative(top).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Status HubCache::SetCommit(const std::string& revision, const std::string& commit) const {
  if (IsCommit(revision) || CommitOf(revision) == commit) return OkStatus();
  fs::path file = repository_ / "refs" / revision;
  NS_RETURN_IF_ERROR(MakeFolder(file.parent_path()));
  return WriteFileAtomic(file, commit);
}

Status HubCache::Link(const std::string& commit, const std::string& file, const std::string& blob_name) const {
  fs::path link = snapshot(commit) / file;
  NS_RETURN_IF_ERROR(MakeFolder(link.parent_path()));
  std::error_code error;
  fs::path target = blob(blob_name).lexically_relative(link.parent_path());
  fs::create_symlink(target, link, error);
  if (error != std::errc::file_exists) return error ? ErrnoStatus(error.value(), fmt::format("cannot link '{}'", link.string())) : OkStatus();
  fs::remove(link, error);  // it leads to what is not there any more, or another process was as fast
  fs::create_symlink(target, link, error);
  bool made = !error || error == std::errc::file_exists;
  return made ? OkStatus() : ErrnoStatus(error.value(), fmt::format("cannot link '{}'", link.string()));
}

Result<FileDescriptor> HubCache::LockBlob(const std::string& blob_name) const {
  NS_RETURN_IF_ERROR(MakeFolder(repository_ / "blobs"));
  return Locked(locks_ / (blob_name + ".lock"), LOCK_EX);
}

Result<FileDescriptor> HubCache::Use() const {
  NS_ASSIGN_OR_RETURN(FileDescriptor lock, Locked(locks_ / "in_use", LOCK_SH));
  ::futimens(lock.get(), nullptr);
  return lock;
}

void TrimHubCache(const fs::path& cache, uint64_t max_bytes) {
  struct Repository {
    fs::path path, in_use;
    fs::file_time_type used{};
    uint64_t bytes = 0;
  };
  std::vector<Repository> all;
  uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator at(cache, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    Repository repository{at->path(), cache / ".locks" / name / "in_use", {}, BytesOf(at->path() / "blobs")};
    std::error_code missing;
    repository.used = fs::last_write_time(repository.in_use, missing);
    total += repository.bytes;
    all.push_back(std::move(repository));
  }
  std::sort(all.begin(), all.end(), [](const Repository& a, const Repository& b) { return a.used < b.used; });
  for (const Repository& repository : all) {
    if (total <= max_bytes) return;
    auto lock = Locked(repository.in_use, LOCK_EX | LOCK_NB);
    if (!lock.ok()) continue;
    fs::remove_all(repository.path, error);
    if (!error) total -= repository.bytes;
  }
}

}  // namespace ns
