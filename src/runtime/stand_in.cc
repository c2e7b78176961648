#include "runtime/stand_in.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "base/file.h"

namespace ns {

namespace fs = std::filesystem;

namespace {

struct Counts {
  std::mutex mutex;
  std::map<fs::path, int> uses;
};

Counts& AllCounts() {
  static Counts counts;
  return counts;
}

fs::path EndOf(const fs::path& path) {
  std::error_code error;
  if (path.native().starts_with("/proc/self/fd/")) return fs::read_symlink(path, error);
  return {};
}

}  // namespace

bool StandIn::IsNeeded(const fs::path& path) { return EndOf(path).native().ends_with(" (deleted)"); }

Result<StandIn> StandIn::Create(const fs::path& path) {
  fs::path file = EndOf(path);
  std::lock_guard lock(AllCounts().mutex);
  int& uses = AllCounts().uses[file];
  if (uses == 0) {
    FileDescriptor fd(::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd.valid()) return ErrnoStatus(errno, fmt::format("cannot make '{}'", file.string()));
  }
  ++uses;
  return StandIn(file);
}

StandIn::~StandIn() {
  if (file_.empty()) return;
  std::lock_guard lock(AllCounts().mutex);
  if (--AllCounts().uses[file_] > 0) return;
  AllCounts().uses.erase(file_);
  std::error_code ignored;
  fs::remove(file_, ignored);
}

}  // namespace ns
