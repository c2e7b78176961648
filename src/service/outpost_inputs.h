// What a worker's outpost gets of the service's files: outpost.json made into single files with their digests.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "tasks/outpost_files.h"

namespace ns {

struct GivenFile {
  OutpostFile file;
  std::filesystem::path source;
};

// Digests of files that stay the same while their size and times do. Thread-safe.
class FileDigests {
 public:
  // Errors of reading; Aborted (FILE_CHANGES) when it is written to meanwhile.
  Result<std::string> Of(const std::filesystem::path& file);

 private:
  static constexpr size_t kMost = 100'000;
  std::mutex mutex_;
  std::map<std::string, std::string> known_;  // by what the file system says of it
};

// Folders become the files in them, a model brings those that its weights are in. Links are followed as far as they stay in the folder, as in a
// sandbox that sees the folder alone. Unavailable (NOT_YET): a file that is awaited isn't there. ResourceExhausted (TOO_MANY_FILES); NotFound.
Result<std::vector<GivenFile>> GatherInputs(const std::vector<OutpostInput>& inputs, FileDigests& digests);

}  // namespace ns
