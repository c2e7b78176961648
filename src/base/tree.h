// Folders that a stranger's program may have filled. Links are never followed, and a folder that it locked (chmod 000), which our user owns but
// cannot look into, is opened again: rights are what that program could take away, too.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/status.h"

namespace ns {

struct TreeEntry {
  int folder;               // the descriptor of the folder that holds it
  const char* name;         // in that folder
  const struct stat& info;  // of itself, also for a link
};

inline constexpr int kMaxTreeDepth = 200;  // folders in folders; honest ones have not half as many

// Calls `visit` for everything below `folder`, a folder before what it holds; false ends the walk, which then is no failure. `visit` may remove
// what it is given. What goes away meanwhile is left out. Whatever fails, the rest is walked: the first failure is returned. PermissionDenied
// for a folder that stays locked; ResourceExhausted (FOLDERS_TOO_DEEP).
// `rights`: what our user needs in each folder: S_IRUSR | S_IXUSR to look, S_IRWXU to remove.
Status WalkTree(const std::filesystem::path& folder, mode_t rights, const std::function<bool(const TreeEntry&)>& visit);

// The disk space of everything below `folder`, as far as it can be seen.
uint64_t TreeBytes(const std::filesystem::path& folder);

// Removes a file, a link, or a folder with all it holds. No failure when it is not there.
Status RemoveTree(const std::filesystem::path& path);

// What a file takes of the disk; for a sparse one that is less than its length.
inline uint64_t DiskBytesOf(const struct stat& info) { return static_cast<uint64_t>(info.st_blocks) * 512; }

}  // namespace ns
