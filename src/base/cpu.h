// What this machine's processor can do, and which of its cores we may use.
#pragma once

#include <string>
#include <vector>

namespace ns {

struct CpuFeatures {
  std::string model;        // "AMD EPYC ...", as the kernel names it
  bool avx2 = false;
  bool avx512 = false;      // F, BW, DQ and VL
  bool vnni = false;        // AVX512-VNNI or AVX-VNNI (x86), dot product (arm64): int8 products summed in 32 bits
  bool amx_int8 = false;
  // Space-separated names of those that are there, for reports: "avx2 avx512 vnni".
  std::string ToString() const;
};

// Read once from /proc/cpuinfo.
const CpuFeatures& ThisCpu();
// The parser behind ThisCpu(), for any text in the format of /proc/cpuinfo.
CpuFeatures ParseCpuInfo(const std::string& cpuinfo);

// Ids of the logical processors this process may run on (affinity), one for each physical core (the first of its threads), ascending,
// at most as many as the cgroup's CPU quota allows (rounded up, at least one).
std::vector<int> UsableCores();

// Restricts the calling thread, and threads it makes later, to these processors. False when the kernel refuses.
bool PinThisThread(const std::vector<int>& cores);

}  // namespace ns
