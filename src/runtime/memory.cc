#include "runtime/memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/file.h"

namespace ns {
namespace {

// "VmHWM:	  1234 kB" → bytes.
uint64_t Line(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  return std::strtoull(std::string(text.substr(at + key.size(), 40)).c_str(), nullptr, 10) * 1024;
}

}  // namespace

MemoryUse ParseMemoryUse(std::string_view proc_status) {
  return {Line(proc_status, "VmRSS:"), Line(proc_status, "VmHWM:"), Line(proc_status, "RssAnon:")};
}

MemoryUse CurrentMemory() { return ParseMemoryUse(ReadFile("/proc/self/status").value_or("")); }

bool ResetPeakMemory() {
  FileDescriptor fd(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
  return fd.valid() && ::write(fd.get(), "5", 1) == 1;
}

void ReleaseFreeMemory() { ::malloc_trim(0); }

}  // namespace ns
