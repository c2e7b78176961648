// A folder as one archive file.
#pragma once

#include <filesystem>
#include <functional>

#include "base/status.h"

namespace ns {

struct PackOptions {
  bool zip = false;           // else a tar. In a zip, files of more than 16 MiB are stored as they are
  bool follow_links = false;  // what links lead to is packed as files; else they are left out
  std::filesystem::path top = {};  // stands before each name
  std::function<bool(const std::filesystem::path&)> leave_out = {};  // files by their path in the folder; empty: none
  std::function<bool()> stop = {};  // asked between pieces; true: give up
};

// Makes `target` from the regular files of `folder`, streamed: memory stays small whatever their size. The same files give the same bytes: no
// times, no owners, sorted names. NotFound (NO_FILES) when there is none; Cancelled (STOPPED), errors of the files, which may leave a part of
// `target`.
Status PackFolder(const std::filesystem::path& folder, const std::filesystem::path& target, const PackOptions& options);

}  // namespace ns
