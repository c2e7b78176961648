#include "base/cpu_topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

class CpuTopologyTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& line) {
    fs::path file = root_.path() / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << line << "\n";
  }
  // Two sockets of four cores, each core with two threads: n and n + 8; a NUMA node each.
  void TwoSockets() {
    Write("sys/devices/system/node/online", "0-1");
    Write("sys/devices/system/node/node0/cpulist", "0-3,8-11");
    Write("sys/devices/system/node/node1/cpulist", "4-7,12-15");
    for (int cpu = 0; cpu < 16; ++cpu) {
      std::string topology = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
      Write(topology + "thread_siblings_list", std::to_string(cpu % 8) + "," + std::to_string(cpu % 8 + 8));
      Write(topology + "physical_package_id", std::to_string(cpu % 8 / 4));
    }
  }
  std::vector<std::vector<int>> Domains(const std::vector<int>& processors) { return CoreDomains(processors, root_.path()); }
  int Quota() { return CpuQuota(root_.path()); }

  TempDir root_ = TempDir::Create("ns_topology_").value();
};

TEST_F(CpuTopologyTest, ACoreCountsOnceAndSocketsAreApart) {
  TwoSockets();
  EXPECT_THAT(Domains({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
  EXPECT_THAT(Domains({1, 9, 10, 12, 13}), ElementsAre(ElementsAre(1, 10), ElementsAre(12, 13))) << "what the cpuset leaves";
}

TEST_F(CpuTopologyTest, AMachineThatTellsNothingIsOneOfSingleThreads) {
  EXPECT_THAT(Domains({0, 1, 5}), ElementsAre(ElementsAre(0, 1, 5)));
  EXPECT_EQ(Quota(), 0);
}

TEST_F(CpuTopologyTest, SlotsDoNotReachOverSocketsUnlessTheyMust) {
  std::vector<std::vector<int>> domains = {{0, 1, 2, 3}, {4, 5, 6, 7}};
  EXPECT_THAT(CutSlots(domains, 8, 3), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(4, 5, 6)));
  EXPECT_THAT(CutSlots(domains, 8, 1).size(), 8u);
  EXPECT_THAT(CutSlots({{0, 1, 2}, {3, 4, 5}}, 3, 2), ElementsAre(ElementsAre(0, 1), ElementsAre(3, 4), ElementsAre(2, 5)));
  EXPECT_THAT(CutSlots({{0}, {1}}, 1, 2), ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(CutSlots(domains, 1, 2), ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(CutSlots(domains, 1, 9), IsEmpty());
}

TEST_F(CpuTopologyTest, TheTightestQuotaOfOurControlGroupsCounts) {
  Write("proc/self/cgroup", "0::/system.slice/ns.service");
  Write("sys/fs/cgroup/system.slice/ns.service/cpu.max", "max 100000");
  EXPECT_EQ(Quota(), 0);
  Write("sys/fs/cgroup/system.slice/cpu.max", "350000 100000");
  EXPECT_EQ(Quota(), 4);
  Write("sys/fs/cgroup/system.slice/ns.service/cpu.max", "150000 100000");
  EXPECT_EQ(Quota(), 2);
}

TEST_F(CpuTopologyTest, TheFirstVersionOfControlGroupsToo) {
  Write("proc/self/cgroup", "4:cpu,cpuacct:/docker/1");
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000");
  Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  Write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "-1");
  Write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "100000");
  EXPECT_EQ(Quota(), 1);
}

}  // namespace
}  // namespace ns
