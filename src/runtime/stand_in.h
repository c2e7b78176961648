// ONNX Runtime (1.27; 1.22 did not care) maps a file only after it has followed the links of its path to something that exists. The path of a
// descriptor, /proc/self/fd/7, leads to "/tmp/name (deleted)" when the file has no name. It opens all the same, so an empty file stands
// there as long as ONNX Runtime looks.
#pragma once

#include <filesystem>

#include "base/status.h"

namespace ns {

// The empty file where the links of `path` end. It stays as long as one object for it lives, and with a process that is killed meanwhile.
// Movable; objects for the same path may be made and go in several threads at once.
class StandIn {
 public:
  // Whether the path is of a descriptor of a file without a name.
  static bool IsNeeded(const std::filesystem::path& path);
  // Errors of the folder that held the file.
  static Result<StandIn> Create(const std::filesystem::path& path);
  ~StandIn();
  StandIn(StandIn&& other) noexcept : file_(std::exchange(other.file_, {})) {}
  StandIn& operator=(StandIn&&) = delete;

  const std::filesystem::path& file() const { return file_; }

 private:
  explicit StandIn(std::filesystem::path file) : file_(std::move(file)) {}
  std::filesystem::path file_;
};

}  // namespace ns
