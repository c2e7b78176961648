// Against real supervisors (testing/supervised.h): what they use stays.
#include "executors/environment_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "executors/environment_use.h"
#include "executors/testing/supervised.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class EnvironmentCacheTest : public SupervisedTest {
 protected:
  // One of 1 MB that was used so many hours ago.
  fs::path Make(const std::string& name, int hours, bool complete = true) {
    fs::path environment = root_ / name;
    { EXPECT_TRUE(EnvironmentUse::Begin(environment).ok()); }
    fs::create_directories(environment / "venv");
    std::ofstream(environment / "venv" / "package") << std::string(1'000'000, 'x');
    if (complete) std::ofstream(environment / "complete").flush();
    fs::last_write_time(environment.string() + ".used", fs::file_time_type::clock::now() - std::chrono::hours(hours));
    return environment;
  }
  // What is left, after a look of a cache that may keep so much.
  std::vector<std::string> LeftOf(uint64_t max_bytes) {
    { EnvironmentCache cache({root_, max_bytes}); }  // the first look is made in any case
    std::vector<std::string> left;
    for (const auto& entry : fs::directory_iterator(root_)) {
      if (entry.is_directory()) left.push_back(entry.path().filename());
    }
    std::sort(left.begin(), left.end());
    return left;
  }
  void AddWaiting(const fs::path& environment) {
    plan_.sandbox = false;
    plan_.environment = environment;
    Add("worker", "touch there; while [ ! -e go ]; do sleep 0.02; done");
  }

  fs::path root_ = folder_.path() / "environments";
  using Names = std::vector<std::string>;
};

TEST_F(EnvironmentCacheTest, TheLongestUnusedGoUntilTheRestFits) {
  Make("a", 2);
  Make("b", 3);
  Make("c", 1);
  EXPECT_EQ(LeftOf(3'100'000), (Names{"a", "b", "c"}));
  EXPECT_EQ(LeftOf(2'100'000), (Names{"a", "c"}));
  EXPECT_FALSE(fs::exists(root_ / "b.used"));
  EXPECT_EQ(LeftOf(0), Names{});
}

TEST_F(EnvironmentCacheTest, AFolderThatIsNotThereIsAnEmptyCache) {
  { EnvironmentCache cache({root_, 0}); }
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(EnvironmentCacheTest, WhatAFailedBuildLeftGoesWhateverItsSize) {
  Make("half", 0, false);
  Make("whole", 0);
  EXPECT_EQ(LeftOf(1 << 30), Names{"whole"});
}

TEST_F(EnvironmentCacheTest, TheOneOfARunningAttemptStaysAndIsNewAfterwards) {
  fs::path used = Make("used", 9);
  Make("unused", 1);
  AddWaiting(used);
  ProcessId supervisor = Start();
  AwaitFile(task_ / "work" / "there");
  EXPECT_EQ(LeftOf(0), Names{"used"});
  std::ofstream(task_ / "work" / "go").flush();
  EXPECT_EQ(WaitChild(supervisor.pid).value().exit_code, 0);
  Make("unused", 1);
  EXPECT_EQ(LeftOf(1'100'000), Names{"used"});
}

TEST_F(EnvironmentCacheTest, OneThatWasRemovedBeforeItsAttemptBeganIsMadeAnew) {
  plan_.sandbox = false;
  plan_.environment = root_ / "gone";
  Add("worker", "touch " + (root_ / "gone/complete").string());
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(LeftOf(1 << 20), Names{"gone"});
}

TEST_F(EnvironmentCacheTest, AFailedBuildLeavesNothing) {
  plan_.sandbox = false;
  plan_.environment = root_ / "failed";
  Add("environment", "echo x > " + (root_ / "failed/rest").string() + "; chmod 0 " + (root_ / "failed").string() + "; exit 1", "ENVIRONMENT_FAILED");
  EXPECT_EQ(Run().reason, "ENVIRONMENT_FAILED");
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(EnvironmentCacheTest, AFailedBuildLeavesWhatAnotherStillBuilds) {
  plan_.sandbox = false;
  plan_.environment = root_ / "shared";
  Add("environment", "exit 1");
  auto other = EnvironmentUse::Begin(plan_.environment);
  EXPECT_EQ(Run().exit.exit_code, 1);
  EXPECT_TRUE(fs::exists(plan_.environment));
}

// Who waits for an environment that is being removed gets a new one.
TEST_F(EnvironmentCacheTest, UseAndRemovalNeverMeet) {
  fs::path folder = root_ / "x";
  std::atomic<bool> stop = false;
  std::thread remover([&] {
    while (!stop) (void)RemoveUnusedEnvironment(folder);
  });
  for (int i = 0; i < 2'000; ++i) {
    auto use = EnvironmentUse::Begin(folder).value();
    std::ofstream(folder / "mine") << i;
    EXPECT_EQ(ReadFile(folder / "mine").value(), std::to_string(i));
  }
  stop = true;
  remover.join();
}

}  // namespace
}  // namespace ns
