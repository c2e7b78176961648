// Uploaded files: resumable, kept once for the same bytes, durable before they are acknowledged.
//
//   FOLDER/blobs/<SHA-256>         the bytes, once
//   FOLDER/files/<id>/<name>       the same bytes under the user's name (a hard link), beside meta.json
//   FOLDER/partial/<key>.{data,json}  what has arrived of a file
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "tasks/uploads.h"

namespace ns {

// One body of a PUT: the whole file, or a piece of it.
struct UploadRequest {
  std::string owner, name;
  uint64_t first = 0;                   // where the body begins in the file
  std::optional<uint64_t> end;          // ... and ends (exclusive); none: wherever the body ends, which is the file's end then
  std::optional<uint64_t> total;        // size of the file; none: not told
  std::string sha256;                   // expected of the whole file; "": any
  std::string content_sha256;           // expected of this body; "": any
};

// Whose files a call is about; none: everybody's, for those who may see all.
using FileOwner = std::optional<std::string>;

class FileStore;

// Takes the bytes of one body. Let go without Finish(), what arrived stays as a part of the file. Of one thread at a time.
class Upload {
 public:
  ~Upload();
  // ResourceExhausted: FILE_TOO_LARGE, DISK_FULL (the part is removed); Aborted (UPLOAD_TAKEN_OVER) when a newer upload of the same name runs;
  // InvalidArgument (UPLOAD_TOO_LONG) when more comes than was announced.
  Status Take(std::string_view bytes);

  struct Outcome {
    std::optional<StoredFile> file;  // none: pieces are missing still
    bool existed = false;            // the same file was there already
    PartialFile part;
  };
  // Durable when it returns. InvalidArgument (DIGEST_MISMATCH): the part is removed. Errors as Take().
  Result<Outcome> Finish();

 private:
  friend class FileStore;
  struct State;
  explicit Upload(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Thread-safe.
class FileStore {
 public:
  struct Options {
    std::filesystem::path folder;
    uint64_t max_bytes = uint64_t{16} << 30;              // of one file
    std::chrono::seconds partial_expiry{24 * 3600};       // after the last byte
    uint64_t free_bytes = 64 << 20;                       // left free on the disk, looked at again each 16 MiB of an upload
    std::function<Result<uint64_t>(const std::filesystem::path&)> disk_free = FreeDiskBytes;
  };
  // Makes the folder. What unfinished moves left at a crash is removed.
  static Result<std::unique_ptr<FileStore>> Open(const Options& options, const Clock& clock);

  // Begins to take a body; a running one of the same owner and name ends. InvalidArgument (BAD_FILE_NAME, BAD_RANGE); FailedPrecondition
  // (WRONG_OFFSET) when `first` is beyond what has arrived, or the part is of a file of another size: Part() tells what is there;
  // ResourceExhausted (FILE_TOO_LARGE, DISK_FULL).
  Result<std::unique_ptr<Upload>> Begin(const UploadRequest& request);

  // By its id, or by its SHA-256 (then the newest). NotFound (UNKNOWN_FILE).
  Result<StoredFile> Get(const FileOwner& owner, const std::string& id) const;
  // The newest with this name. NotFound (UNKNOWN_FILE).
  Result<StoredFile> GetNamed(const FileOwner& owner, const std::string& name) const;
  // NotFound (UNKNOWN_FILE).
  Result<PartialFile> Part(const std::string& owner, const std::string& name) const;
  // The oldest first.
  Result<std::vector<StoredFile>> List(const FileOwner& owner) const;
  // NotFound (UNKNOWN_FILE). The bytes go with the last file that has them.
  Status Remove(const FileOwner& owner, const std::string& id);
  // As Remove, for what has arrived under this name.
  Status RemovePart(const std::string& owner, const std::string& name);

  // The file is used now: Sweep() leaves it for another `retention`.
  void Touch(const StoredFile& file) const;
  // Removes parts that expired, and files that were not used for `retention` (none: files stay) and are not `in_use`.
  void Sweep(std::optional<std::chrono::seconds> retention, const std::function<bool(const std::filesystem::path&)>& in_use);

  uint64_t max_bytes() const { return options_.max_bytes; }

 private:
  friend class Upload;
  struct Session;
  FileStore(const Options& options, const Clock& clock, std::string boot_id);

  std::filesystem::path BlobFile(const std::string& sha256) const { return options_.folder / "blobs" / sha256; }
  std::filesystem::path FileFolder(const std::string& id) const { return options_.folder / "files" / id; }
  std::filesystem::path PartFile(const std::string& key, const char* end) const { return options_.folder / "partial" / (key + end); }
  std::shared_ptr<Session> SessionOf(const std::string& key);
  Result<StoredFile> ReadStored(const std::string& id) const;
  Result<uint64_t> UsablePart(const std::string& key, PartialRecord* record) const;
  Status CheckRoom(const UploadRequest& request, uint64_t there) const;
  Result<bool> Keep(const std::filesystem::path& data, StoredFile* file);
  Status Name(const std::filesystem::path& blob, StoredFile* file) const;
  Status CheckFree() const;
  void RemoveLocked(const StoredFile& file);

  const Options options_;
  const Clock& clock_;
  const std::string boot_id_;
  mutable std::mutex mutex_;  // over blobs/ and files/, and the next
  std::map<std::string, std::weak_ptr<Session>> sessions_;  // uploads that run, by key
};

}  // namespace ns
