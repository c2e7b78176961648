// The input as a file, for readers that take a path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"

namespace ns {

class FuzzFile {
 public:
  // `name` ends as the reader wants it. In memory, where the machine has such a folder.
  explicit FuzzFile(const std::string& name)
      : folder_(TempDir::Create("fuzz", std::filesystem::exists("/dev/shm") ? "/dev/shm" : "").value()), path_(folder_.path() / name) {}

  const std::filesystem::path& Write(const uint8_t* data, size_t size) {
    // A new file each time: the one before may be mapped still.
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    NS_CHECK(WriteFileAtomic(path_, std::string_view(reinterpret_cast<const char*>(data), size)).ok());
    return path_;
  }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TempDir folder_;
  std::filesystem::path path_;
};

inline std::string_view FuzzText(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace ns
