// Archives of strangers, unpacked: zip, and tar as it is or packed by gzip, xz or zstd.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "base/status.h"

namespace ns {

struct UnpackLimits {
  uint64_t max_entries = 100'000;
  uint64_t max_bytes = uint64_t{32} << 30;    // of all files together
  uint64_t max_ratio = 200;                   // unpacked bytes for each packed one, beyond the first
  uint64_t ratio_free_bytes = 64 << 20;       // ... so many bytes
  int max_depth = 32;                         // folders in folders
  size_t max_path_bytes = 1024;
  std::function<bool()> stopped;              // asked now and then; true ends it with Cancelled
};

// The name of an entry as a path below the folder it is unpacked into, "." parts and doubled slashes left out; "" is the folder itself.
// InvalidArgument (BAD_ARCHIVE_ENTRY): absolute, with a ".." part, a backslash or a control character, too long, or too deep.
Result<std::filesystem::path> EntryPath(std::string_view name, const UnpackLimits& limits);

// Unpacks into `folder`, which must not exist and appears only when all is unpacked. Regular files (mode 0644) and folders only.
// InvalidArgument: BAD_ARCHIVE (damaged, encrypted, another format), BAD_ARCHIVE_ENTRY (links, devices, names as above, a name twice);
// ResourceExhausted: ARCHIVE_TOO_LARGE (entries, bytes, ratio), DISK_FULL. Nothing is left after a failure.
Status UnpackArchive(const std::filesystem::path& archive, const std::filesystem::path& folder, const UnpackLimits& limits);

}  // namespace ns
