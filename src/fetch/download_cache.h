// Files that were fetched, kept for the next task that wants the same address, within a size; the ones unused for longest go first.
//
//   FOLDER/<SHA-256 of the address>/{data, meta, lock}
// A file is asked for again each time with what its server said of it (ETag, Last-Modified), and read through to see that it is still what was
// fetched. Processes share the folder: each holds the lock of the entry that it works on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/status.h"
#include "fetch/download.h"

namespace ns {

class DownloadCache {
 public:
  struct Options {
    std::filesystem::path folder;               // made when it is not there
    uint64_t max_bytes = uint64_t{50} << 30;    // 0: nothing is kept
  };
  explicit DownloadCache(Options options) : options_(std::move(options)) {}

  struct File {
    std::filesystem::path path;  // in `into`, named as its server names it
    std::string sha256;
    bool was_cached = false;
  };
  // Puts the file of `url` into the folder `into`, which is made. Do not write to it: it may share its bytes with the cache.
  // Errors as Download; AlreadyExists when `into` holds a file of this name.
  Result<File> Fetch(const std::string& url, const std::filesystem::path& into, const FetchOptions& options) const;

 private:
  void Trim() const;

  const Options options_;
};

}  // namespace ns
