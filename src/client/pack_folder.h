// A folder as one file, to be uploaded.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace ns {

// Makes `tar` of the regular files of `folder`, below the folder's own name. The same files give the same bytes: no times, no owners, sorted
// names. What links lead to is packed as files. NotFound (NO_FILES) when there is none.
Status PackFolder(const std::filesystem::path& folder, const std::filesystem::path& tar);

}  // namespace ns
