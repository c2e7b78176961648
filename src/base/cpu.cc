#include "base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "base/file.h"

namespace ns {

namespace {

// First line "name : value" with this name.
std::string Field(const std::string& cpuinfo, const std::string& name) {
  std::istringstream lines(cpuinfo);
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string key = line.substr(0, colon);
    key.erase(key.find_last_not_of(" \t") + 1);
    if (key == name) return colon + 2 <= line.size() ? line.substr(colon + 2) : "";
  }
  return "";
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Cores that the cgroup's quota pays for, or 0 when there is no limit (cgroup v2, then v1).
int QuotaCores() {
  double quota = 0, period = 0;
  std::istringstream v2(FirstLine("/sys/fs/cgroup/cpu.max"));
  std::string first;
  if (v2 >> first >> period && first != "max") {
    quota = std::stod(first);
  } else {
    std::istringstream q(FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")), p(FirstLine("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
    if (!(q >> quota) || !(p >> period)) return 0;
  }
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>(std::ceil(quota / period))) : 0;
}

}  // namespace

std::string CpuFeatures::ToString() const {
  std::string text;
  auto add = [&](bool there, const char* name) {
    if (there) text += (text.empty() ? "" : " ") + std::string(name);
  };
  add(avx2, "avx2");
  add(avx512, "avx512");
  add(vnni, "vnni");
  add(amx_int8, "amx_int8");
  return text;
}

CpuFeatures ParseCpuInfo(const std::string& cpuinfo) {
  CpuFeatures cpu;
  cpu.model = Field(cpuinfo, "model name");
  std::string flags = Field(cpuinfo, "flags");
  if (flags.empty()) flags = Field(cpuinfo, "Features");
  std::istringstream words(flags);
  std::set<std::string> has;
  for (std::string word; words >> word;) has.insert(word);
  cpu.avx2 = has.count("avx2") > 0;
  cpu.avx512 = has.count("avx512f") && has.count("avx512bw") && has.count("avx512dq") && has.count("avx512vl");
  cpu.vnni = has.count("avx512_vnni") || has.count("avx_vnni") || has.count("asimddp");
  cpu.amx_int8 = has.count("amx_int8") > 0;
  return cpu;
}

const CpuFeatures& ThisCpu() {
  static const CpuFeatures cpu = [] {
    auto text = ReadFile("/proc/cpuinfo");
    return text.ok() ? ParseCpuInfo(*text) : CpuFeatures{};
  }();
  return cpu;
}

std::vector<int> UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  std::set<std::string> seen;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    std::string siblings = FirstLine("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    if (siblings.empty()) siblings = std::to_string(cpu);
    if (seen.insert(siblings).second) cores.push_back(cpu);
  }
  if (cores.empty()) cores.push_back(0);
  int quota = QuotaCores();
  if (quota > 0 && static_cast<size_t>(quota) < cores.size()) cores.resize(static_cast<size_t>(quota));
  return cores;
}

bool PinThisThread(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core : cores) CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

}  // namespace ns
