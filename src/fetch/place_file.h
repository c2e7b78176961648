// A cached file put where a task finds it.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace ns {

// `target` becomes the content of `file`, by a hard link or else a copy; its folder is made. AlreadyExists (FILE_EXISTS); errors of writing, which
// leave nothing.
Status PlaceFile(const std::filesystem::path& file, const std::filesystem::path& target);

}  // namespace ns
