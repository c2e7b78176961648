// Folders in which results of tuning are kept for the next task on the same model and data: a file an entry, named by its key's
// digest. The worker writes and reads entries (worker/tuning_cache.h); the supervisor and the command line only move and bound them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/status.h"

namespace ns {

inline constexpr const char* kCacheFolderName = "cache";  // in work/: what an attempt found out
inline constexpr const char* kJournalFolderName = "journal";  // in a task's folder: what its attempts found out, where no other task may use it
inline constexpr uint64_t kMaxCacheEntryBytes = 16 << 20;
inline constexpr uint64_t kMaxCacheFolderBytes = 256 << 20;

// 64 lower-case hex digits and ".json".
bool IsCacheEntryName(std::string_view name);

// Moves the entries of `from` (regular files, no links, at most kMaxCacheEntryBytes) to `to`, which is made where it is not there, and
// trims that. What is no entry stays. Both on one file system. OK when `from` is not there.
Status MoveCacheEntries(const std::filesystem::path& from, const std::filesystem::path& to);

// Removes the entries that were written or used the longest ago until at most `max_bytes` are left.
Status TrimCacheFolder(const std::filesystem::path& folder, uint64_t max_bytes = kMaxCacheFolderBytes);

}  // namespace ns
