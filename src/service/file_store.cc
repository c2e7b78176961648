#include "service/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/file_store_parts.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxNameBytes = 200;
constexpr std::chrono::seconds kLeastRetention{60};  // from the submission that names a file to its task in the store
constexpr const char* kMetaName = "meta.json";

std::string BootId() {
  auto text = ReadFile("/proc/sys/kernel/random/boot_id", 100);
  return text.ok() ? text->substr(0, text->find('\n')) : "";
}

bool IsHex(std::string_view text, size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status CheckName(const std::string& name) {
  bool bad = name.empty() || name.size() > kMaxNameBytes || name.front() == '.' || name == kMetaName ||
             std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f || c == '/'; });
  if (!bad) return OkStatus();
  return InvalidArgument(fmt::format("a file's name must have 1 to {} bytes, no '/' or control character and no dot in front", kMaxNameBytes),
                         "BAD_FILE_NAME");
}

Status CheckRange(const UploadRequest& request) {
  bool good = (!request.end || request.first <= *request.end) && (!request.total || (request.end && *request.end <= *request.total));
  return good ? OkStatus() : InvalidArgument("the range of the body does not lie in the file", "BAD_RANGE");
}

bool IsOf(const StoredFile& file, const FileOwner& owner) { return !owner || file.owner == *owner; }

// Bytes that no file has.
void RemoveUnnamed(const fs::path& blob) {
  std::error_code ignored;
  if (fs::hard_link_count(blob, ignored) == 1) fs::remove(blob, ignored);
}

bool Older(const StoredFile& a, const StoredFile& b) { return std::tie(a.created, a.id) < std::tie(b.created, b.id); }

}  // namespace

std::string PartialKey(const std::string& owner, const std::string& name) {
  return Sha256Hex(fmt::format("{}:{}{}", owner.size(), owner, name)).substr(0, 32);
}

// The digest in front, so that files with the same bytes are found by the folder's names alone.
std::string FileId(const std::string& owner, const std::string& name, const std::string& sha256) {
  return sha256.substr(0, 16) + PartialKey(owner, name).substr(0, 16);
}

Status UnknownFile(const std::string& what) { return NotFound(fmt::format("no uploaded file '{}'", what), "UNKNOWN_FILE"); }

FileStore::FileStore(const Options& options, const Clock& clock, std::string boot_id)
    : options_(options), clock_(clock), boot_id_(std::move(boot_id)) {}

Result<std::unique_ptr<FileStore>> FileStore::Open(const Options& options, const Clock& clock) {
  std::error_code error;
  for (const char* folder : {"blobs", "files", "partial"}) {
    if (!error) fs::create_directories(options.folder / folder, error);
  }
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", options.folder.string()));
  // A move that a crash broke off: the file was not acknowledged, its part is gone or will be sent again.
  std::vector<fs::path> unfinished;
  for (fs::directory_iterator at(options.folder / "files", error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().string().starts_with(".")) unfinished.push_back(at->path());
  }
  for (const fs::path& path : unfinished) fs::remove_all(path, error);
  std::vector<fs::path> blobs;
  for (fs::directory_iterator at(options.folder / "blobs", error), end; !error && at != end; at.increment(error)) blobs.push_back(at->path());
  for (const fs::path& blob : blobs) RemoveUnnamed(blob);
  return std::unique_ptr<FileStore>(new FileStore(options, clock, BootId()));
}

std::shared_ptr<FileStore::Session> FileStore::SessionOf(const std::string& key) {
  std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<Session> session = sessions_[key].lock();
  if (session == nullptr) sessions_[key] = session = std::make_shared<Session>();
  return session;
}

// How much of the part counts: after a power cut only what was synced.
Result<uint64_t> FileStore::UsablePart(const std::string& key, PartialRecord* record) const {
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(PartFile(key, ".json"), 64 << 10));
  NS_ASSIGN_OR_RETURN(*record, ParsePartialRecord(text));
  std::error_code error;
  uint64_t size = fs::file_size(PartFile(key, ".data"), error);
  if (error) return ErrnoStatus(error.value(), "cannot read an upload");
  return record->boot_id == boot_id_ ? size : std::min(size, record->synced);
}

Status FileStore::CheckRoom(const UploadRequest& request, uint64_t there) const {
  NS_RETURN_IF_ERROR(CheckName(request.name));
  NS_RETURN_IF_ERROR(CheckRange(request));
  uint64_t size = request.total.value_or(request.end.value_or(0));
  if (size > options_.max_bytes) {
    return ResourceExhausted(fmt::format("'{}' has {} bytes, {} are allowed; the service's --max_upload_bytes sets the limit", request.name, size,
                                         options_.max_bytes), "FILE_TOO_LARGE");
  }
  NS_ASSIGN_OR_RETURN(uint64_t free, options_.disk_free(options_.folder));
  uint64_t needed = size > there ? size - there : 0;
  if (free >= options_.free_bytes && free - options_.free_bytes >= needed) return OkStatus();
  return ResourceExhausted(fmt::format("the disk has no room for '{}' ({} bytes)", request.name, size), "DISK_FULL");
}

// Uploads that run at the same time, and those that don't say how long they are, were not counted in CheckRoom().
Status FileStore::CheckFree() const {
  NS_ASSIGN_OR_RETURN(uint64_t free, options_.disk_free(options_.folder));
  return free >= options_.free_bytes ? OkStatus() : ResourceExhausted("the disk has no room for the rest of the upload", "DISK_FULL");
}

// Moves the bytes to their place and gives them the name. True: that very file was there already.
Result<bool> FileStore::Keep(const fs::path& data, StoredFile* file) {
  std::lock_guard lock(mutex_);
  file->id = FileId(file->owner, file->name, file->sha256);
  file->created = clock_.wall();
  if (auto there = ReadStored(file->id); there.ok() && there->sha256 == file->sha256) {
    *file = std::move(*there);
    Touch(*file);
    return true;
  }
  fs::path blob = BlobFile(file->sha256);
  std::error_code error;
  if (!fs::exists(blob, error)) {
    fs::permissions(data, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read, error);
    if (!error) fs::rename(data, blob, error);
    if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", blob.string()));
    NS_RETURN_IF_ERROR(SyncFolder(blob.parent_path()));
  }
  Status named = Name(blob, file);
  if (!named.ok()) RemoveUnnamed(blob);
  return named.ok() ? Result<bool>(false) : named;
}

Status FileStore::Name(const fs::path& blob, StoredFile* file) const {
  fs::path aside = options_.folder / "files" / ("." + file->id);
  std::error_code error;
  fs::remove_all(aside, error);
  fs::create_directory(aside, error);
  if (!error) fs::create_hard_link(blob, aside / file->name, error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", aside.string()));
  Status written = WriteFileAtomic(aside / kMetaName, StoredFileJson(*file));
  if (written.ok()) fs::rename(aside, FileFolder(file->id), error);
  if (error) written = ErrnoStatus(error.value(), fmt::format("cannot write '{}'", FileFolder(file->id).string()));
  if (!written.ok()) fs::remove_all(aside, error);
  NS_RETURN_IF_ERROR(written);
  file->path = FileFolder(file->id) / file->name;
  return SyncFolder(options_.folder / "files");
}

Result<StoredFile> FileStore::ReadStored(const std::string& id) const {
  auto text = ReadFile(FileFolder(id) / kMetaName, 64 << 10);
  if (!text.ok()) return UnknownFile(id);
  NS_ASSIGN_OR_RETURN(StoredFile file, ParseStoredFile(*text));
  file.path = FileFolder(id) / file.name;
  return file;
}

Result<StoredFile> FileStore::Get(const FileOwner& owner, const std::string& id) const {
  if (IsHex(id, 32)) {
    NS_ASSIGN_OR_RETURN(StoredFile file, ReadStored(id));
    return IsOf(file, owner) ? Result<StoredFile>(std::move(file)) : UnknownFile(id);
  }
  if (!IsHex(id, 64)) return UnknownFile(id);
  std::optional<StoredFile> newest;
  std::error_code error;
  for (fs::directory_iterator at(options_.folder / "files", error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(id.substr(0, 16))) continue;
    auto file = ReadStored(name);
    if (file.ok() && file->sha256 == id && IsOf(*file, owner) && (!newest || Older(*newest, *file))) newest = std::move(*file);
  }
  return newest ? Result<StoredFile>(std::move(*newest)) : UnknownFile(id);
}

Result<StoredFile> FileStore::GetNamed(const FileOwner& owner, const std::string& name) const {
  NS_ASSIGN_OR_RETURN(std::vector<StoredFile> files, List(owner));
  auto found = std::find_if(files.rbegin(), files.rend(), [&](const StoredFile& file) { return file.name == name; });
  return found == files.rend() ? UnknownFile(name) : Result<StoredFile>(*found);
}

Result<PartialFile> FileStore::Part(const std::string& owner, const std::string& name) const {
  PartialRecord record;
  auto there = UsablePart(PartialKey(owner, name), &record);
  if (!there.ok()) return UnknownFile(name);
  return PartialFile{name, *there, record.size};
}

Result<std::vector<StoredFile>> FileStore::List(const FileOwner& owner) const {
  std::vector<StoredFile> files;
  std::error_code error;
  for (fs::directory_iterator at(options_.folder / "files", error), end; !error && at != end; at.increment(error)) {
    auto file = ReadStored(at->path().filename().string());
    if (file.ok() && IsOf(*file, owner)) files.push_back(std::move(*file));
  }
  if (error) return ErrnoStatus(error.value(), "cannot list the uploaded files");
  std::sort(files.begin(), files.end(), Older);
  return files;
}

Status FileStore::Remove(const FileOwner& owner, const std::string& id) {
  NS_ASSIGN_OR_RETURN(StoredFile file, Get(owner, id));
  std::lock_guard lock(mutex_);
  RemoveLocked(file);
  return SyncFolder(options_.folder / "files");
}

void FileStore::RemoveLocked(const StoredFile& file) {
  std::error_code ignored;
  fs::remove_all(FileFolder(file.id), ignored);
  RemoveUnnamed(BlobFile(file.sha256));
}

Status FileStore::RemovePart(const std::string& owner, const std::string& name) {
  std::string key = PartialKey(owner, name);
  auto session = SessionOf(key);
  std::lock_guard lock(session->mutex);
  std::error_code error;
  bool there = fs::remove(PartFile(key, ".json"), error);
  fs::remove(PartFile(key, ".data"), error);
  ++session->newest;  // one that runs ends
  return there ? OkStatus() : UnknownFile(name);
}

void FileStore::Touch(const StoredFile& file) const { ::utimensat(AT_FDCWD, (FileFolder(file.id) / kMetaName).c_str(), nullptr, 0); }

void FileStore::Sweep(std::optional<std::chrono::seconds> retention, const std::function<bool(const fs::path&)>& in_use) {
  // By the file system's own clock, which stamped the files.
  auto now = fs::file_time_type::clock::now();
  std::error_code error;
  for (fs::directory_iterator at(options_.folder / "partial", error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    auto written = fs::last_write_time(at->path(), gone);
    if (at->path().extension() != ".data" || gone || now - written < options_.partial_expiry) continue;
    auto session = SessionOf(at->path().stem().string());
    std::lock_guard lock(session->mutex);
    if (session.use_count() > 1) continue;  // one runs
    fs::remove(at->path(), gone);
    fs::remove(PartFile(at->path().stem().string(), ".json"), gone);
  }
  if (!retention) return;
  for (fs::directory_iterator at(options_.folder / "files", error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;
    auto file = ReadStored(at->path().filename().string());
    std::lock_guard lock(mutex_);
    auto used = fs::last_write_time(at->path() / kMetaName, gone);
    if (!file.ok() || gone || now - used < std::max(*retention, kLeastRetention) || in_use(file->path)) continue;
    LogInfo("uploaded file {} ('{}') was not used for {} s: removed", file->id, file->name, retention->count());
    RemoveLocked(*file);
  }
}

}  // namespace ns
