#include "base/cpu_topology.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "base/cpu.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

std::string FirstLine(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// "0-3,8" as the kernel writes lists of processors.
std::vector<int> ParseList(const std::string& text) {
  std::vector<int> numbers;
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    int first = 0, last = 0;
    char dash = 0;
    std::istringstream words(item);
    if (!(words >> first)) continue;
    last = words >> dash >> last ? last : first;
    for (int number = first; number <= last && last - first < 1 << 16; ++number) numbers.push_back(number);
  }
  return numbers;
}

std::map<int, int> NumaNodes(const fs::path& root) {
  std::map<int, int> node_of;
  fs::path nodes = root / "sys/devices/system/node";
  for (int node : ParseList(FirstLine(nodes / "online"))) {
    for (int processor : ParseList(FirstLine(nodes / ("node" + std::to_string(node)) / "cpulist"))) node_of[processor] = node;
  }
  return node_of;
}

// Of version 2: "max 100000" or "150000 100000".
std::optional<double> QuotaIn(const fs::path& folder) {
  std::istringstream words(FirstLine(folder / "cpu.max"));
  std::string quota;
  double period = 0;
  if (!(words >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  return std::stod(quota) / period;
}

std::optional<double> OldQuotaIn(const fs::path& folder) {
  std::istringstream quota_text(FirstLine(folder / "cpu.cfs_quota_us")), period_text(FirstLine(folder / "cpu.cfs_period_us"));
  double quota = 0, period = 0;
  if (!(quota_text >> quota) || !(period_text >> period) || quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

// Of the group and those above it the smallest.
template <typename Read>
void TakeSmallest(const fs::path& mount, fs::path group, Read read, std::optional<double>* smallest) {
  for (group = group.relative_path();; group = group.parent_path()) {
    auto quota = read(mount / group);
    if (quota && (!*smallest || *quota < **smallest)) *smallest = quota;
    if (group.empty()) return;
  }
}

}  // namespace

int CpuQuota(const fs::path& root) {
  std::optional<double> smallest;
  std::ifstream groups(root / "proc/self/cgroup");
  const fs::path mount = root / "sys/fs/cgroup";
  for (std::string line; std::getline(groups, line);) {  // "0::/a/b", "4:cpu,cpuacct:/a/b"
    size_t names = line.find(':'), path = line.find(':', names + 1);
    if (names == std::string::npos || path == std::string::npos) continue;
    std::string controllers = "," + line.substr(names + 1, path - names - 1) + ",", group = line.substr(path + 1);
    if (controllers == ",,") TakeSmallest(mount, group, QuotaIn, &smallest);
    if (controllers.find(",cpu,") != std::string::npos) TakeSmallest(mount / "cpu", group, OldQuotaIn, &smallest);
  }
  return smallest ? std::max(1, static_cast<int>(std::ceil(*smallest))) : 0;
}

std::vector<std::vector<int>> CoreDomains(const std::vector<int>& processors, const fs::path& root) {
  std::map<int, int> node_of = NumaNodes(root);
  std::map<std::pair<int, int>, std::vector<int>> domains;  // NUMA node, socket
  std::set<std::string> seen;
  for (int processor : processors) {
    fs::path topology = root / "sys/devices/system/cpu" / ("cpu" + std::to_string(processor)) / "topology";
    std::string siblings = FirstLine(topology / "thread_siblings_list");
    if (!seen.insert(siblings.empty() ? std::to_string(processor) : siblings).second) continue;
    std::istringstream socket_text(FirstLine(topology / "physical_package_id"));
    int socket = 0;
    socket_text >> socket;
    auto node = node_of.find(processor);
    domains[{node == node_of.end() ? 0 : node->second, socket}].push_back(processor);
  }
  std::vector<std::vector<int>> lists;
  for (auto& [where, cores] : domains) lists.push_back(std::move(cores));
  return lists;
}

std::vector<std::vector<int>> CutSlots(const std::vector<std::vector<int>>& domains, size_t slots, size_t size) {
  std::vector<std::vector<int>> cut;
  std::vector<int> rest;
  for (const std::vector<int>& domain : domains) {
    size_t at = 0;
    for (; at + size <= domain.size() && cut.size() < slots; at += size) {
      cut.emplace_back(domain.begin() + static_cast<ptrdiff_t>(at), domain.begin() + static_cast<ptrdiff_t>(at + size));
    }
    rest.insert(rest.end(), domain.begin() + static_cast<ptrdiff_t>(at), domain.end());
  }
  for (size_t at = 0; at + size <= rest.size() && cut.size() < slots; at += size) {
    cut.emplace_back(rest.begin() + static_cast<ptrdiff_t>(at), rest.begin() + static_cast<ptrdiff_t>(at + size));
  }
  return cut;
}

std::vector<int> UsableCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> processors, cores;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return {0};
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) processors.push_back(processor);
  }
  for (const std::vector<int>& domain : CoreDomains(processors)) cores.insert(cores.end(), domain.begin(), domain.end());
  if (cores.empty()) cores.push_back(0);
  if (int quota = CpuQuota(); quota > 0 && static_cast<size_t>(quota) < cores.size()) cores.resize(static_cast<size_t>(quota));
  std::sort(cores.begin(), cores.end());
  return cores;
}

}  // namespace ns
