// Archives: whatever they hold, only regular files and folders come out, below the folder, within the limits.
#include "fetch/archive.h"
#include "fuzz_file.h"

namespace fs = std::filesystem;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ns::UnpackLimits limits;
  limits.max_bytes = limits.ratio_free_bytes = 1 << 20;
  limits.max_entries = 100;
  auto path = ns::EntryPath(ns::FuzzText(data, size), limits);
  if (path.ok()) {
    NS_CHECK(path->is_relative());
    for (const auto& part : *path) NS_CHECK(part != ".." && part != ".");
  }
  static ns::FuzzFile file("archive.bin");
  fs::path out = file.folder() / "out";
  ns::Status status = ns::UnpackArchive(file.Write(data, size), out, limits);
  uint64_t bytes = 0;
  if (status.ok()) {
    for (const auto& entry : fs::recursive_directory_iterator(out)) {
      auto type = entry.symlink_status().type();
      NS_CHECK(type == fs::file_type::regular || type == fs::file_type::directory);
      if (type == fs::file_type::regular) bytes += entry.file_size();
    }
    NS_CHECK(bytes <= limits.max_bytes);
  }
  fs::remove_all(out);
  NS_CHECK(std::distance(fs::directory_iterator(file.folder()), fs::directory_iterator()) == 1);
  return 0;
}
