// Real supervisors (this program, see testing/) that stand by; their steps are shell scripts.
#include "executors/standby_pool.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "executors/cgroup.h"
#include "executors/standby.h"
#include "executors/supervisor.h"
#include "executors/testing/supervised.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class StandbyPoolTest : public SupervisedTest {
 protected:
  StandbyPoolTest() { plan_.sandbox = false; }
  std::optional<ProcessId> Take() {
    EXPECT_TRUE(WriteFileAtomic(task_ / kStepPlanFileName, StepPlanToJson(plan_)).ok());
    return pool_.Take(SupervisorWords({.task_folder = task_, .attempt = 1, .log_file = log_}));
  }
  ExitRecord End(const std::optional<ProcessId>& supervisor) {
    EXPECT_TRUE(supervisor.has_value());
    EXPECT_EQ(WaitChild(supervisor->pid).value().exit_code, 0);
    return ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value()).value();
  }
  StandbyPool pool_{SupervisorOfTests(), 1};
};

TEST_F(StandbyPoolTest, AnAttemptRunsAsUnderASupervisorThatWasStartedForIt) {
  Add("fetch", "pwd; echo data > input");
  Add("worker", "cat input; mkdir result; cp input result/m; exit 3");
  pool_.Fill();
  auto supervisor = Take();
  ExitRecord end = End(supervisor);
  EXPECT_EQ(end.step, "worker");
  EXPECT_EQ(end.exit.exit_code, 3);
  EXPECT_EQ(Log(), (task_ / "work").string() + "\ndata\n");
  EXPECT_EQ(ReadFile(task_ / "result" / "m").value(), "data\n");
  EXPECT_EQ(ParseWorkerPids(ReadFile(task_ / kPidFileName).value()).value().supervisor, *supervisor);
}

TEST_F(StandbyPoolTest, TheFirstStepIsInTheControlGroupsAndTheyGoWithTheSupervisor) {
  Cgroup probe("ns-probe-" + std::to_string(::getpid()));
  plan_.limits.processes = 1000;
  probe.Limit(plan_.limits);
  Add("worker", "cat /proc/self/cgroup");
  pool_.Fill();
  auto supervisor = Take();
  EXPECT_EQ(End(supervisor).exit.exit_code, 0);
  std::string name = "/" + Cgroup::NameOf(*supervisor) + "\n";
  EXPECT_EQ(Log().find(name) != std::string::npos, probe.limits_processes());
  EXPECT_FALSE(fs::exists("/sys/fs/cgroup/pids" + name.substr(0, name.size() - 1)));
}

TEST_F(StandbyPoolTest, AStopEndsTheAttempt) {
  Add("worker", "touch there; sleep 60");
  pool_.Fill();
  auto supervisor = Take();
  AwaitFile(task_ / "work" / "there");
  ::kill(supervisor->pid, SIGTERM);
  EXPECT_EQ(End(supervisor).exit.signal, SIGTERM);
}

TEST_F(StandbyPoolTest, ThereIsNoneForASecondAttemptUntilItIsFilledAgain) {
  Add("worker", "true");
  EXPECT_FALSE(Take().has_value());
  pool_.Fill();
  pool_.Fill();
  auto first = Take();
  EXPECT_FALSE(Take().has_value());
  End(first);
  pool_.Fill();
  fs::remove(task_ / kExitStatusFileName);
  EXPECT_EQ(End(Take()).exit.exit_code, 0);
}

TEST_F(StandbyPoolTest, OneThatWasKilledIsPassedOver) {
  Add("worker", "true");
  pool_.Fill();
  ASSERT_EQ(ChildrenOf(::getpid()).size(), 1u);
  ::kill(ChildrenOf(::getpid())[0], SIGKILL);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(ChildrenOf(::getpid())[0]), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(Take().has_value());
  EXPECT_TRUE(ChildrenOf(::getpid()).empty());
}

TEST_F(StandbyPoolTest, ThoseThatStillWaitGoWithThePool) {
  {
    StandbyPool pool(SupervisorOfTests(), 2);
    pool.Fill();
    EXPECT_EQ(ChildrenOf(::getpid()).size(), 2u);
  }
  EXPECT_TRUE(ChildrenOf(::getpid()).empty());
}

TEST_F(StandbyPoolTest, APlanThatIsNotOfTheAttemptIsLeftAlone) {
  Add("worker", "echo never");
  plan_.attempt = 2;
  pool_.Fill();
  EXPECT_EQ(WaitChild(Take()->pid).value().exit_code, 0);
  EXPECT_FALSE(fs::exists(task_ / kExitStatusFileName));
  EXPECT_EQ(Log(), "");
}

TEST(WordsTest, AreReadAsTheyWereSentAndNotBeforeTheirEnd) {
  auto read = [](const std::string& sent) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
    ::close(ends[1]);
    auto words = ReadWords(ends[0]);
    ::close(ends[0]);
    return words;
  };
  EXPECT_EQ(PackWords({"--a", "b c"}), std::string("--a\0b c\0\0", 9));
  EXPECT_EQ(read(PackWords({"--a", "b c"})).value(), (std::vector<std::string>{"--a", "b c"}));
  EXPECT_EQ(read(std::string("--a\0b", 5)).status().reason(), "NO_WORDS");  // who sent it died
  EXPECT_EQ(read("").status().reason(), "NO_WORDS");
}

}  // namespace
}  // namespace ns
