#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "base/metrics.h"

namespace ns {

namespace {

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Column 0: virtual, 1: resident memory.
double MemoryBytes(int column) {
  std::ifstream in("/proc/self/statm");
  double pages = 0;
  for (int i = 0; i <= column; ++i) in >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double OpenDescriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -1;  // its own
  while (dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  ::closedir(folder);
  return count;
}

double DescriptorLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

double Threads() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;) {
    if (word == "Threads:" && in >> word) return std::stod(word);
  }
  return 0;
}

// Boot time plus the process's start after it, which is field 22 of stat: the 20th after the name, which may hold anything but ends at ')'.
double StartTime() {
  std::ifstream boot("/proc/stat"), self("/proc/self/stat");
  double booted = 0, ticks = 0;
  for (std::string word; boot >> word;) {
    if (word == "btime") {
      boot >> booted;
      break;
    }
  }
  std::string text((std::istreambuf_iterator<char>(self)), {});
  size_t at = text.rfind(')');
  for (int field = 0; field < 20 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  if (at != std::string::npos) ticks = std::stod(text.substr(at));
  return booted + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

void AddProcessMetrics(MetricsRegistry& registry, const std::string& version) {
  registry.Add("process_cpu_seconds_total", "User and system CPU time of the service.", "counter", {}, CpuSeconds);
  registry.Add("process_virtual_memory_bytes", "Virtual memory of the service.", "gauge", {}, [] { return MemoryBytes(0); });
  registry.Add("process_resident_memory_bytes", "Resident memory of the service.", "gauge", {}, [] { return MemoryBytes(1); });
  registry.Add("process_open_fds", "Open file descriptors.", "gauge", {}, OpenDescriptors);
  registry.Add("process_max_fds", "How many file descriptors may be open.", "gauge", {}, DescriptorLimit);
  registry.Add("process_threads", "Threads of the service.", "gauge", {}, Threads);
  registry.Add("process_start_time_seconds", "When the service started, in seconds since 1970.", "gauge", {},
               [start = StartTime()] { return start; });
  registry.gauge("neural_solution_build_info", "1, with the version of the program.", {{"version", version}}).Set(1);
}

}  // namespace ns
