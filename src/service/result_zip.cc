#include "service/result_zip.h"

#include <fcntl.h>

#include "base/file.h"
#include "fetch/pack.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

bool IsParetoModel(const fs::path& file) { return file.begin() != file.end() && *file.begin() == "pareto" && file.filename() != "recipe.json"; }

}  // namespace

Status ZipFolder(const fs::path& folder, const fs::path& zip, const std::function<bool()>& stop) {
  fs::path partial = zip.string() + ".partial";
  std::error_code error;
  Status status = PackFolder(folder, partial, {.zip = true, .leave_out = IsParetoModel, .stop = stop});
  if (status.reason() == "NO_FILES") return NotFound(fmt::format("there is no result in '{}'", folder.string()), "NO_RESULT");
  if (status.ok()) {
    FileDescriptor written(::open(partial.c_str(), O_RDONLY | O_CLOEXEC));
    status = written.valid() ? SyncFile(written.get(), partial) : ErrnoStatus(errno, fmt::format("cannot read '{}'", partial.string()));
  }
  if (status.ok()) fs::rename(partial, zip, error);
  if (status.ok() && error) status = ErrnoStatus(error.value(), fmt::format("cannot write '{}'", zip.string()));
  if (status.ok()) return SyncFolder(zip.parent_path());
  fs::remove(partial, error);
  return status;
}

}  // namespace ns
