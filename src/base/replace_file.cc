#include "base/replace_file.h"

#include <fcntl.h>

#include <cstdio>

#include "base/file.h"

namespace ns {

Status ReplaceFile(const std::filesystem::path& path, std::string_view content) {
  std::string aside = path.string() + ".new";
  FileDescriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return ErrnoStatus(errno, fmt::format("cannot write '{}'", aside));
  Status status = WriteAll(file.get(), content, aside);
  if (status.ok() && std::rename(aside.c_str(), path.c_str()) != 0) status = ErrnoStatus(errno, fmt::format("cannot write '{}'", path.string()));
  if (!status.ok()) std::remove(aside.c_str());
  return status;
}

}  // namespace ns
