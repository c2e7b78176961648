// Against the machine's own cgroups where this process may make some, and against files that stand for v2's.
#include "executors/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "executors/process_tree.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

TEST(CgroupTest, ForksBeyondTheLimitFailWhereTheKernelKeepsIt) {
  ResourceLimits limits;
  limits.processes = 8;
  Cgroup group("ns-test-" + std::to_string(::getpid()));
  group.Limit(limits);
  pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    group.Join();
    int forked = 0;
    for (; forked < 20; ++forked) {
      pid_t one = ::fork();
      if (one < 0) break;
      if (one == 0) {
        ::pause();
        ::_exit(0);
      }
    }
    ::signal(SIGTERM, SIG_IGN);
    ::kill(0, SIGTERM);  // its own group
    while (::wait(nullptr) > 0) {
    }
    ::_exit((forked + 1) * static_cast<int>(UseOf(::getpid()).threads));  // more than one where a sanitizer has its own
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (group.limits_processes()) {
    EXPECT_EQ(WEXITSTATUS(status), 8);
  } else {
    EXPECT_GE(WEXITSTATUS(status), 21);
  }
}

TEST(CgroupTest, V2GetsItsLimitsWhereTheControllersAreEnabled) {
  TempDir root = TempDir::Create("ns_cgroup_").value();
  // v2's part of /proc/self/cgroup says where below the root.
  std::string own;
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) own = line.substr(4);
  }
  fs::path base = root.path() / own;
  fs::create_directories(base);
  std::ofstream(base / "cgroup.subtree_control") << "cpu memory pids\n";
  ResourceLimits limits;
  limits.processes = 8;
  limits.memory_bytes = 1 << 20;
  {
    Cgroup group("task", root.path());
    group.Limit(limits);
    EXPECT_TRUE(fs::is_directory(base / "task"));
    EXPECT_FALSE(group.limits_processes());  // a plain folder has no pids.max
    EXPECT_FALSE(group.ranOutOfMemory());
    std::ofstream(base / "task" / "memory.events") << "low 0\noom 1\noom_kill 2\n";
    EXPECT_TRUE(group.ranOutOfMemory());
    group.ForgetOutOfMemory();
    EXPECT_FALSE(group.ranOutOfMemory());
    std::ofstream(base / "task" / "memory.events") << "low 0\noom 2\noom_kill 3\n";
    EXPECT_TRUE(group.ranOutOfMemory());
    fs::remove(base / "task" / "memory.events");
  }
  EXPECT_FALSE(fs::exists(base / "task"));
}

TEST(CgroupTest, WhatAKilledProcessLeftIsRemovedAndALivingOnesIsNot) {
  TempDir root = TempDir::Create("ns_cgroup_").value();
  std::string own;
  std::ifstream lines("/proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("0::/")) own = line.substr(4);
  }
  fs::path base = root.path() / own;
  ProcessId self = IdentifyProcess(::getpid()).value();
  ProcessId gone{self.pid, self.start_ticks + 1};
  for (const std::string& name : {Cgroup::NameOf(self), Cgroup::NameOf(gone), std::string("ns-other"), std::string("system.slice")}) {
    fs::create_directories(base / name);
  }
  Cgroup::RemoveAbandoned(root.path());
  EXPECT_TRUE(fs::exists(base / Cgroup::NameOf(self)));
  EXPECT_FALSE(fs::exists(base / Cgroup::NameOf(gone)));
  EXPECT_TRUE(fs::exists(base / "ns-other"));
  EXPECT_TRUE(fs::exists(base / "system.slice"));
}

TEST(CgroupTest, WithoutCgroupsNothingIsLimitedAndNothingFails) {
  TempDir root = TempDir::Create("ns_cgroup_").value();
  ResourceLimits limits;
  limits.processes = 8;
  Cgroup group("task", root.path() / "none");
  group.Limit(limits);
  EXPECT_FALSE(group.limits_processes());
  group.Join();
}

}  // namespace
}  // namespace ns
