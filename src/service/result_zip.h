// The download of a task: its result folder as a zip.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace ns {

// Makes `zip` from the regular files of `folder` (names without folders in front), streamed: memory stays small whatever their size. `zip`
// appears only when it is complete and durable; after a failure nothing is left of it. Files of more than 16 MiB are stored uncompressed.
// NotFound (NO_RESULT) when the folder is not there or empty.
Status ZipFolder(const std::filesystem::path& folder, const std::filesystem::path& zip);

}  // namespace ns
