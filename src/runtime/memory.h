// Memory of this process, from /proc/self.
#pragma once

#include <cstdint>
#include <string_view>

namespace ns {

struct MemoryUse {
  uint64_t resident_bytes = 0;       // now
  uint64_t peak_resident_bytes = 0;  // since the start or the last ResetPeakMemory()
  uint64_t anonymous_bytes = 0;      // of resident_bytes, what is not backed by files: the part the kernel cannot drop
};

// Zeros where the kernel does not tell.
MemoryUse CurrentMemory();
// The parser behind it, for any text in the format of /proc/<pid>/status.
MemoryUse ParseMemoryUse(std::string_view proc_status);

// Makes the peak start again from what is resident now. False when the kernel refuses (/proc/self/clear_refs not writable).
bool ResetPeakMemory();

// Gives memory that the C library holds but does not use back to the kernel.
void ReleaseFreeMemory();

}  // namespace ns
