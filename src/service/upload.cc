#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "service/file_store_parts.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr uint64_t kSyncEvery = 64 << 20;  // a power cut costs at most so much of an upload
constexpr uint64_t kLookEvery = 16 << 20;  // at the room on the disk

}  // namespace

struct Upload::State {
  FileStore* store = nullptr;
  std::shared_ptr<FileStore::Session> session;
  uint64_t number = 0;  // ours in the session
  std::string key;
  UploadRequest request;
  PartialRecord record;
  FileDescriptor data;
  uint64_t received = 0, looked_at = 0;
  Sha256 whole, content;
  bool ended = false;

  Status Current() const;
  Status Save();
  void Drop();
  Status Write(std::string_view bytes);
  Status ReadExisting();
};

// With the session's mutex held, as all below.
Status Upload::State::Current() const {
  if (session->newest == number) return OkStatus();
  return Status(StatusCode::kAborted, fmt::format("a newer upload of '{}' took over", request.name), "UPLOAD_TAKEN_OVER");
}

// What has arrived survives a power cut from now on.
Status Upload::State::Save() {
  NS_RETURN_IF_ERROR(SyncFile(data.get(), request.name));
  record.synced = received;
  return WriteFileAtomic(store->PartFile(key, ".json"), PartialRecordJson(record));
}

void Upload::State::Drop() {
  ended = true;
  std::error_code ignored;
  fs::remove(store->PartFile(key, ".data"), ignored);
  fs::remove(store->PartFile(key, ".json"), ignored);
}

Status Upload::State::Write(std::string_view bytes) {
  uint64_t after = received + bytes.size();
  if (request.end && after > *request.end) return InvalidArgument("the body is longer than its Content-Range", "UPLOAD_TOO_LONG");
  if (after > store->options_.max_bytes) {
    return ResourceExhausted(fmt::format("the file is larger than the {} bytes allowed; the service's --max_upload_bytes sets the limit",
                                         store->options_.max_bytes), "FILE_TOO_LARGE");
  }
  NS_RETURN_IF_ERROR(WriteAll(data.get(), bytes, request.name));
  whole.Update(bytes);
  if (!request.content_sha256.empty()) content.Update(bytes);
  received = after;
  if (received - looked_at >= kLookEvery) {
    NS_RETURN_IF_ERROR(store->CheckFree());
    looked_at = received;
  }
  return received - record.synced >= kSyncEvery ? Save() : OkStatus();
}

// The digest of what was there before; leaves the descriptor at its end.
Status Upload::State::ReadExisting() {
  if (::ftruncate(data.get(), static_cast<off_t>(request.first)) != 0) return ErrnoStatus(errno, "cannot write an upload");
  std::vector<char> buffer(1 << 20);
  while (received < request.first) {
    ssize_t got = ::pread(data.get(), buffer.data(), std::min<uint64_t>(buffer.size(), request.first - received), static_cast<off_t>(received));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return ErrnoStatus(got < 0 ? errno : EIO, "cannot read an upload");
    whole.Update(std::string_view(buffer.data(), static_cast<size_t>(got)));
    received += static_cast<uint64_t>(got);
  }
  if (::lseek(data.get(), static_cast<off_t>(received), SEEK_SET) < 0) return ErrnoStatus(errno, "cannot write an upload");
  return OkStatus();
}

Upload::Upload(std::unique_ptr<State> state) : state_(std::move(state)) {}

Upload::~Upload() {
  if (state_->ended) return;
  std::lock_guard lock(state_->session->mutex);
  if (!state_->Current().ok()) return;
  if (Status status = state_->Save(); !status.ok()) LogWarning("upload of '{}': {}", state_->request.name, status.message());
}

Status Upload::Take(std::string_view bytes) {
  std::lock_guard lock(state_->session->mutex);
  Status status = state_->Current();
  if (!status.ok()) {
    state_->ended = true;
    return status;
  }
  status = state_->Write(bytes);
  if (!status.ok()) state_->Drop();
  return status;
}

Result<Upload::Outcome> Upload::Finish() {
  State& s = *state_;
  std::lock_guard lock(s.session->mutex);
  NS_RETURN_IF_ERROR(s.Current());
  auto mismatch = [&](const char* what, const std::string& expected, const std::string& is) {
    s.Drop();
    return InvalidArgument(fmt::format("the SHA-256 of {} is {}, not {}; send it again", what, is, expected), "DIGEST_MISMATCH");
  };
  if (!s.request.content_sha256.empty()) {
    std::string is = s.content.HexDigest();
    if (is != s.request.content_sha256) return mismatch("the body", s.request.content_sha256, is);
  }
  Outcome outcome;
  outcome.part = {s.request.name, s.received, s.record.size};
  if (s.record.size && s.received < *s.record.size) {
    NS_RETURN_IF_ERROR(s.Save());
    s.ended = true;
    return outcome;
  }
  StoredFile file;
  file.name = s.request.name;
  file.owner = s.request.owner;
  file.size = s.received;
  file.sha256 = s.whole.HexDigest();
  if (!s.request.sha256.empty() && file.sha256 != s.request.sha256) return mismatch("the file", s.request.sha256, file.sha256);
  Status synced = SyncFile(s.data.get(), s.request.name);
  auto existed = synced.ok() ? s.store->Keep(s.store->PartFile(s.key, ".data"), &file) : Result<bool>(synced);
  s.Drop();
  if (!existed.ok()) return existed.status();
  outcome.existed = *existed;
  outcome.file = std::move(file);
  return outcome;
}

Result<std::unique_ptr<Upload>> FileStore::Begin(const UploadRequest& request) {
  std::string key = PartialKey(request.owner, request.name);
  auto session = SessionOf(key);
  std::lock_guard lock(session->mutex);
  PartialRecord record;
  uint64_t there = UsablePart(key, &record).value_or(0);
  NS_RETURN_IF_ERROR(CheckRoom(request, there));
  if (request.first > there) {
    return FailedPrecondition(fmt::format("the body begins at byte {}, but {} bytes of '{}' have arrived; go on there", request.first, there,
                                          request.name), "WRONG_OFFSET");
  }
  if (request.first > 0 && record.size && request.total && *record.size != *request.total) {
    return FailedPrecondition(fmt::format("a file of {} bytes is being uploaded as '{}', not one of {}; begin again at byte 0", *record.size,
                                          request.name, *request.total), "WRONG_OFFSET");
  }
  auto state = std::make_unique<Upload::State>();
  state->store = this;
  state->session = session;
  state->number = ++session->newest;
  state->key = key;
  state->request = request;
  state->record = {request.name, request.owner, request.total, 0, boot_id_};
  state->data.reset(::open(PartFile(key, ".data").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!state->data.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", PartFile(key, ".data").string()));
  Status status = state->ReadExisting();
  state->record.synced = std::min(record.synced, state->received);
  state->looked_at = state->received;
  if (status.ok()) status = WriteFileAtomic(PartFile(key, ".json"), PartialRecordJson(state->record));
  if (!status.ok()) {
    state->Drop();
    return status;
  }
  return std::unique_ptr<Upload>(new Upload(std::move(state)));
}

}  // namespace ns
