// The supervisor as a process of its own (this program, see testing/), its steps shell scripts.
#include "executors/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "base/file.h"
#include "base/subprocess.h"
#include "base/testing/plain_user.h"
#include "executors/testing/supervised.h"
#include "tasks/process_files.h"
#include "tasks/task_event.h"
#include "tasks/task_file.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class SupervisorTest : public SupervisedTest {
 protected:
  SupervisorTest() { plan_.sandbox = false; }
  // Nothing keeps root from looking into a locked folder.
  ExitRecord RunAsPlainUser() {
    EXPECT_TRUE(WriteFileAtomic(task_ / kStepPlanFileName, StepPlanToJson(plan_)).ok());
    for (const fs::path& path : {folder_.path(), task_, task_ / kEventsFileName}) {
      EXPECT_TRUE(::geteuid() != 0 || ::chown(path.c_str(), kPlainUser, kPlainUser) == 0);
    }
    EXPECT_TRUE(AsPlainUser([&] { return RunSupervisor({task_, 1}) == 0; }));
    return ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value_or("")).value();
  }
  std::vector<std::string> Stages() {
    std::vector<std::string> stages;
    std::ifstream in(task_ / kEventsFileName);
    for (std::string line; std::getline(in, line);) stages.push_back(std::get<StageEvent>(ParseTaskEvent(line).value().payload).stage);
    return stages;
  }
};

TEST_F(SupervisorTest, StepsRunOneAfterAnotherInTheWorkFolder) {
  Add("fetch", "pwd; echo data > input");
  Add("environment", "cat input; echo $TMPDIR");
  Add("worker", "cat input; mkdir result; echo model > result/m");
  ExitRecord end = Run();
  EXPECT_EQ(end.exit.exit_code, 0);
  EXPECT_EQ(end.step, "worker");
  EXPECT_EQ(end.reason, "");
  std::string work = (task_ / "work").string();
  EXPECT_EQ(Log(), work + "\ndata\n" + work + "/tmp\ndata\n");
  EXPECT_EQ(Stages(), (std::vector<std::string>{"fetch", "environment"}));  // the worker tells its own
  EXPECT_EQ(ReadFile(task_ / "result" / "m").value(), "model\n");
  EXPECT_FALSE(fs::exists(task_ / "work" / "result"));
  EXPECT_FALSE(fs::exists(task_ / "work" / "tmp"));
}

TEST_F(SupervisorTest, AFailingStepEndsTheAttemptWithItsReasonAndLastLine) {
  Add("fetch", "echo one; echo 'no such host'; echo; exit 4", "FETCH_FAILED");
  Add("worker", "echo never");
  ExitRecord end = Run();
  EXPECT_EQ(end.exit.exit_code, 4);
  EXPECT_EQ(end.step, "fetch");
  EXPECT_EQ(end.reason, "FETCH_FAILED");
  EXPECT_EQ(end.message, "no such host");
  EXPECT_EQ(Log(), "one\nno such host\n\n");
}

TEST_F(SupervisorTest, ASilentFailingStepIsNamed) {
  Add("fetch", "exit 4", "FETCH_FAILED");
  EXPECT_EQ(Run().message, "fetch ended with exit code 4; see the task's log");
}

TEST_F(SupervisorTest, AStepThatAsksToBeTriedAgainGivesNoReason) {
  Add("fetch", "exit 75", "FETCH_FAILED");
  Add("worker", "echo never");
  ExitRecord end = Run();
  EXPECT_EQ(end.exit.exit_code, 75);
  EXPECT_EQ(end.reason, "");
  EXPECT_EQ(Log(), "");
}

TEST_F(SupervisorTest, AStepThatTakesTooLongIsEnded) {
  Add("environment", "sleep 60", "ENVIRONMENT_FAILED", 0.2);
  Add("worker", "echo never");
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "TIME_LIMIT");
  EXPECT_EQ(end.message, "environment took longer than its 0.2 s");
  EXPECT_EQ(Log(), "");
}

TEST_F(SupervisorTest, AStopEndsTheRunningStepAndStartsNoOther) {
  Add("fetch", "touch there; sleep 60", "FETCH_FAILED");
  Add("worker", "echo never");
  ProcessId supervisor = Start();
  AwaitFile(task_ / "work" / "there");
  ::kill(supervisor.pid, SIGTERM);
  EXPECT_EQ(WaitChild(supervisor.pid).value().exit_code, 0);
  ExitRecord end = ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value()).value();
  EXPECT_EQ(end.exit.signal, SIGTERM);
  EXPECT_EQ(end.reason, "");
  EXPECT_EQ(Log(), "");
}

TEST_F(SupervisorTest, AStopLetsAWorkerWriteTheBestItHas) {
  Add("worker", "trap 'sleep 3; mkdir result; echo best > result/m; exit 0' TERM; touch keeping_result; touch there; while :; do sleep 0.05; done");
  ProcessId supervisor = Start();
  AwaitFile(task_ / "work" / "there");
  ::kill(supervisor.pid, SIGTERM);
  EXPECT_EQ(WaitChild(supervisor.pid).value().exit_code, 0);
  EXPECT_EQ(ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value()).value().exit.exit_code, 0);
  EXPECT_EQ(ReadFile(task_ / "result" / "m").value_or("killed"), "best\n");
}

constexpr const char* kTakeMemory = "exec python3 -c 'import time; x = bytearray(200 << 20); time.sleep(60)'";

TEST_F(SupervisorTest, AWorkerThatIsKilledForItsMemoryIsToldWhatItHadInWork) {
  plan_.limits.memory_bytes = 100 << 20;
  Add("worker", std::string("if [ -e out_of_memory ]; then ls; cat out_of_memory; exit 0; fi; echo rest > tmp/rest; echo piece > in_work; ") + kTakeMemory);
  ExitRecord end = Run();
  EXPECT_EQ(end.exit.exit_code, 0) << end.reason;
  EXPECT_EQ(end.reason, "");
  std::string log = Log();
  EXPECT_EQ(log.substr(log.find('\n') + 1), "out_of_memory\ntmp\npiece\n") << log;
  EXPECT_FALSE(fs::exists(task_ / "work" / "tmp" / "rest"));
}

TEST_F(SupervisorTest, AWorkerThatNeverFitsIsStartedAgainFourTimes) {
  plan_.limits.memory_bytes = 100 << 20;
  Add("worker", std::string("echo >> starts; echo piece > in_work; ") + kTakeMemory);
  EXPECT_EQ(Run().reason, "MEMORY_LIMIT");
  EXPECT_EQ(ReadFile(task_ / "work" / "starts").value(), "\n\n\n\n\n");
}

TEST_F(SupervisorTest, AWorkerThatDoesNotSayWhatItHadInWorkIsNotStartedAgain) {
  plan_.limits.memory_bytes = 100 << 20;
  Add("worker", std::string("echo >> starts; ") + kTakeMemory);
  EXPECT_EQ(Run().reason, "MEMORY_LIMIT");
  EXPECT_EQ(ReadFile(task_ / "work" / "starts").value(), "\n");
}

TEST_F(SupervisorTest, WhatAStepLeavesRunningEndsBeforeTheNext) {
  Add("fetch", "setsid sh -c 'touch there; sleep 1; touch late' & while [ ! -e there ]; do sleep 0.01; done");
  Add("worker", "sleep 1.5; ls");
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(Log(), "there\ntmp\n");
}

TEST_F(SupervisorTest, AResultThatIsALinkIsNotTaken) {
  Add("worker", "ln -s / result");
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_FALSE(fs::exists(fs::symlink_status(task_ / "result")));
}

TEST_F(SupervisorTest, LinksAndPipesInAResultAreNotTaken) {
  Add("worker", "mkdir -p result/deep; echo {} > result/report.json; ln -s /etc/passwd result/deep/x; mkfifo result/pipe");
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(ReadFile(task_ / "result" / "report.json").value(), "{}\n");
  EXPECT_FALSE(fs::exists(fs::symlink_status(task_ / "result" / "deep" / "x")));
  EXPECT_FALSE(fs::exists(fs::symlink_status(task_ / "result" / "pipe")));
}

TEST_F(SupervisorTest, ALockedFolderHidesNothingInAResult) {
  Add("worker", "mkdir -p result/locked; ln -s /etc/passwd result/locked/x; ln -s /etc/passwd result/z; echo {} > result/report.json\n"
                "chmod 555 result; chmod 000 result/locked");
  RunAsPlainUser();
  EXPECT_EQ(ReadFile(task_ / "result" / "report.json").value(), "{}\n");
  EXPECT_FALSE(fs::exists(fs::symlink_status(task_ / "result" / "locked" / "x")));
  EXPECT_FALSE(fs::exists(fs::symlink_status(task_ / "result" / "z")));
}

TEST_F(SupervisorTest, ALockedFolderIsMeasuredToo) {
  plan_.limits.disk_bytes = 8 << 20;
  Add("worker", "mkdir locked; i=0; while [ $i -lt 4 ]; do head -c 4000000 /dev/zero > locked/$i; i=$((i+1)); done; chmod 000 locked; sleep 60");
  EXPECT_EQ(RunAsPlainUser().reason, "DISK_LIMIT");
}

TEST_F(SupervisorTest, ThePlanOfAnotherAttemptIsLeftAlone) {
  Add("worker", "echo never");
  EXPECT_EQ(WaitChild(Start(2).pid).value().exit_code, 0);
  EXPECT_FALSE(fs::exists(task_ / kExitStatusFileName));
  EXPECT_EQ(Log(), "");
}

}  // namespace
}  // namespace ns
