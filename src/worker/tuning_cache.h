// What tuning found out before about the same model, data and machine, so that nothing is done twice: within a task that is started again and
// between tasks. An entry is a file named by the SHA-256 of its whole key, which is kept beside the value and compared.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

// Thread-compatible. One that does not know a folder finds nothing and keeps nothing.
class TuningCache {
 public:
  struct Options {
    std::vector<std::filesystem::path> read;  // folders that are looked into, in this order
    std::filesystem::path write;              // where new entries go, also looked into; made when the first comes; empty: nowhere
  };
  // `context`: all that every result depends on beside its own key: digests of model and data, rows, versions, processor.
  TuningCache(Options options, std::string context) : options_(std::move(options)), context_(std::move(context)) {}

  // The value kept under `key`; none: there is none, or it cannot be read.
  std::optional<std::string> Get(const std::string& key) const;
  // Durable when it returns. A value over 16 MB is not kept. A failure means that the next one has it to do again, and is only logged.
  void Put(const std::string& key, const std::string& value) const;

 private:
  Options options_;
  std::string context_;
};

// Where the command line keeps its cache: $XDG_CACHE_HOME/neural_solution/tuning, else ~/.cache/...; empty: neither is known.
std::filesystem::path UserCacheFolder();

}  // namespace ns
