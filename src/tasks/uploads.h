// Uploaded files as clients see them: the answers of /files, and their JSON.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace ns {

// A file that is there whole. "upload:<id>" stands for it in a request.
struct StoredFile {
  std::string id;      // 32 lower-case hex digits, from its owner, name and content
  std::string name;    // as uploaded; its end tells the format
  std::string owner;   // who uploaded it; "" without access control
  std::string sha256;  // 64 lower-case hex digits
  uint64_t size = 0;
  WallTime created;
  std::filesystem::path path;  // not in the JSON
};

// A file of which a part is there.
struct PartialFile {
  std::string name;
  uint64_t received = 0;            // bytes from the start; the next piece begins here
  std::optional<uint64_t> size;     // of the whole; none: the client has not told
};

// {"id", "reference": "upload:<id>", "name", "sha256", "size", "created", "complete": true}; with `owner` where there is one.
std::string StoredFileJson(const StoredFile& file);
// InvalidArgument (BAD_ANSWER).
Result<StoredFile> ParseStoredFile(std::string_view json);
// {"name", "complete": false, "received", "size": number or null}
std::string PartialFileJson(const PartialFile& file);
// `received` of such an answer; also of an error's body that has one. None: no such thing.
std::optional<uint64_t> ParseReceived(std::string_view json);
// {"detail": text, "received": n}: a piece that does not fit to what is there.
std::string WrongOffsetJson(std::string_view text, uint64_t received);
// {"files": [...]}, the newest last.
std::string StoredFilesJson(const std::vector<StoredFile>& files);

// What the service keeps beside a part. `synced`: so many bytes survive a power cut.
struct PartialRecord {
  std::string name, owner;
  std::optional<uint64_t> size;
  uint64_t synced = 0;
  std::string boot_id;  // of the machine's run in which it was written
};
std::string PartialRecordJson(const PartialRecord& record);
Result<PartialRecord> ParsePartialRecord(std::string_view json);

}  // namespace ns
