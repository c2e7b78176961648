// Where the cores of a machine lie, and how they are cut into slots: read from /sys and /proc.
#pragma once

#include <filesystem>
#include <vector>

namespace ns {

// The cores among these logical processors, each by its first thread that is among them: cores with the same memory and socket together, in the
// order of NUMA nodes and sockets. What cannot be read counts as one machine of cores with one thread. `root` holds proc/ and sys/.
std::vector<std::vector<int>> CoreDomains(const std::vector<int>& processors, const std::filesystem::path& root = "/");

// Cores that the CPU quota of our control group, or of one above it, pays for, rounded up; 0: there is no limit.
int CpuQuota(const std::filesystem::path& root = "/");

// At most `slots` slots of `size` cores each, no core in two. A slot's cores are of one domain; only where those do not suffice the rest of the
// domains makes up slots together.
std::vector<std::vector<int>> CutSlots(const std::vector<std::vector<int>>& domains, size_t slots, size_t size);

}  // namespace ns
