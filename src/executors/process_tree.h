// A process and everything it started, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace ns {

struct TreeProcess {
  pid_t pid = 0;
  int depth = 0;  // 0: the root
};

// The root first; at most `most` of them. What starts or ends meanwhile may or may not be among them.
std::vector<TreeProcess> ProcessTree(pid_t root, size_t most);

struct ProcessUse {
  uint64_t threads = 0;
  uint64_t memory_bytes = 0;  // resident and backed by no file
};
// Zero for a process that is gone.
ProcessUse UseOf(pid_t pid);

// Memory as in ProcessUse, but of what several processes share (after a fork, in /dev/shm) only this one's part. The kernel walks through all
// of its pages for it.
uint64_t SharedMemoryUseOf(pid_t pid);

}  // namespace ns
