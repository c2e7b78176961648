#include "fetch/place_file.h"

namespace ns {
namespace fs = std::filesystem;

Status PlaceFile(const fs::path& file, const fs::path& target) {
  std::error_code error;
  fs::create_directories(target.parent_path(), error);
  if (error) return ErrnoStatus(error.value(), fmt::format("cannot make '{}'", target.parent_path().string()));
  fs::create_hard_link(file, target, error);
  if (error == std::errc::file_exists) {
    return Status(StatusCode::kAlreadyExists, fmt::format("'{}' is there already", target.string()), "FILE_EXISTS");
  }
  if (!error) return OkStatus();
  fs::copy_file(file, target, error);  // another file system; clears `error`
  if (!error) return OkStatus();
  std::error_code ignored;
  fs::remove(target, ignored);  // the disk may have become full on the way
  return ErrnoStatus(error.value(), fmt::format("cannot write '{}'", target.string()));
}

}  // namespace ns
