#include "base/cpu.h"

#include <sched.h>

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

bool PinThisThread(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int core : cores) CPU_SET(core, &set);
  return sched_setaffinity(0, sizeof(set), &set) == 0;
}

}  // namespace ns
