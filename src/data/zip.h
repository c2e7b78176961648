// Reads zip archives as np.savez writes them: stored and deflated entries, zip64. No encryption, no several disks.
// The format: PKWARE's APPNOTE.TXT 6.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct ZipEntry {
  std::string name;
  bool deflated = false;            // else stored: `data` is the content
  uint32_t crc = 0;                 // CRC-32 of the content
  uint64_t size = 0;                // bytes of the content
  std::span<const std::byte> data;  // as it lies in the archive
};

// The entries of an archive, in its directory's order. The spans point into `archive`.
// InvalidArgument (BAD_FILE): not a zip archive, truncated, damaged (an entry outside the file, entries that overlap,
// two of one name, a size that its compressed data can't have), or of a kind that is not read.
Result<std::vector<ZipEntry>> ReadZipDirectory(std::span<const std::byte> archive);

// Writes the entry's content to `out`, which has `entry.size` bytes, and checks size and CRC. A stored entry may be
// checked with `out` being null: nothing is written then. InvalidArgument (BAD_FILE).
Status ExtractZipEntry(const ZipEntry& entry, std::byte* out);

}  // namespace ns
