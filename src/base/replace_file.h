// Files that tell other processes of this machine something.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/status.h"

namespace ns {

// Replaces `path` so that a reader sees the old content or the new, never a part. Unlike WriteFileAtomic() it does not wait for the disk: after a
// power cut the file may be gone or empty, and so are the processes that it is about.
Status ReplaceFile(const std::filesystem::path& path, std::string_view content);

}  // namespace ns
