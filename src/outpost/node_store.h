// Models and data that a node keeps for other tasks, by their SHA-256 and within a size; the ones unused for longest go first. Processes share it.
//
//   FOLDER/<SHA-256>{,.new.part,.lock}
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/status.h"
#include "tasks/outpost_files.h"

namespace ns {

class NodeStore {
 public:
  struct Options {
    std::filesystem::path folder;              // made when it is not there
    uint64_t max_bytes = uint64_t{50} << 30;   // 0: nothing is kept
    uint64_t free_bytes = uint64_t{1} << 30;   // what must stay free on the disk
    std::function<bool()> stopped = [] { return false; };
  };
  explicit NodeStore(Options options) : options_(std::move(options)) {}

  // Brings a file to a path that it is given; a part that is left beside it may be completed the next time.
  using Bring = std::function<Status(const std::filesystem::path& to)>;

  // The file is at `target`, which replaces what was there, read through and as its digest says. Do not write to it: its bytes are the store's. Errors of
  // `bring`; DataLoss (DIGEST_MISMATCH) when it brought something else; ResourceExhausted (DISK_FULL); Cancelled.
  Status Place(const OutpostFile& file, const std::filesystem::path& target, const Bring& bring) const;

 private:
  Result<FileDescriptor> Lock(const std::filesystem::path& file) const;
  Status MakeRoom(uint64_t bytes) const;
  void Trim(uint64_t max_bytes) const;

  const Options options_;
};

}  // namespace ns
