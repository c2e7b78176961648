// Steps under real bubblewrap: what they cannot see, reach, take or survive.
#include "executors/sandbox.h"

#include <signal.h>

#include <cstdlib>

#include "base/tree.h"
#include "executors/process_tree.h"
#include "executors/testing/supervised.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class SandboxTest : public SupervisedTest {
 protected:
  SandboxTest() {
    plan_.hidden = folder_.path();
    std::ofstream(task_ / kTaskFileName) << "{}\n";
    fs::create_directories(folder_.path() / "db");
    std::ofstream(folder_.path() / "db" / "task.db") << "secret\n";
    fs::create_directories(folder_.path() / "other");
    std::ofstream(folder_.path() / "other" / "task.json") << "secret\n";
  }
  // The only step; its script must be seen in the sandbox.
  void Worker(const std::string& script) {
    Add("worker", "export TASK=" + task_.string() + " ALL=" + folder_.path().string() + "\n" + script);
    plan_.steps.back().sandbox.read_only.push_back(plan_.steps.back().argv[0]);
  }
  SandboxProfile& profile() { return plan_.steps.back().sandbox; }
};

TEST_F(SandboxTest, TheSystemAndTheTasksOwnFilesAreSeenAndNothingElse) {
  Worker("cat $ALL/db/task.db $ALL/other/task.json; ls -A /root /home /var; ls $ALL; ls $TASK; cat $TASK/task.json");
  EXPECT_EQ(Run().exit.exit_code, 0);
  std::string log = Log();
  EXPECT_EQ(log.find("secret"), std::string::npos) << log;
  EXPECT_NE(log.find("cannot access '/root'"), std::string::npos) << log;
  EXPECT_NE(log.find("cannot access '/home'"), std::string::npos) << log;
  EXPECT_NE(log.find("/var:\ntmp\n"), std::string::npos) << log;  // on the way to the task's folder
  EXPECT_NE(log.find("\ntask\nworker.sh\nevents.jsonl\ntask.json\nwork\n{}\n"), std::string::npos) << log;
}

TEST_F(SandboxTest, OnlyTheWorkFolderAndTheEventsCanBeWritten) {
  Worker("for f in /usr/x /etc/x /x /dev/x $ALL/x $TASK/x $TASK/worker.pid; do echo > $f && echo WROTE $f; done\n"
         "echo > $TASK/task.json && echo WROTE task\nrm -f $TASK/events.jsonl; mv $TASK/events.jsonl $TASK/work/e\n"
         "echo hello >> $TASK/events.jsonl && echo mine > $TASK/work/mine && echo t > /tmp/t && cat $TMPDIR/t");
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(Log().find("WROTE"), std::string::npos) << Log();
  EXPECT_EQ(ReadFile(task_ / "task.json").value(), "{}\n");
  EXPECT_EQ(ReadFile(task_ / "events.jsonl").value(), "hello\n");
  EXPECT_EQ(ReadFile(task_ / "work" / "mine").value(), "mine\n");
  EXPECT_NE(Log().find("\nt\n"), std::string::npos) << Log();
}

TEST_F(SandboxTest, AFolderAboveTheWorkspaceShowsEverythingButTheWorkspace) {
  TempDir above = TempDir::Create("ns_above_", "/var/tmp").value();
  fs::path workspace = above.path() / "ws", task = workspace / "task";
  fs::create_directories(task);
  std::ofstream(above.path() / "model") << "model\n";
  std::ofstream(workspace / "secret") << "secret\n";
  fs::rename(task_, task);
  task_ = task;
  plan_.work_folder = task_ / "work";
  plan_.hidden = workspace;
  std::string ws = workspace.string();
  Worker("cat " + above.path().string() + "/model; ls " + ws + "; touch $TASK/work/x && echo mine; ls $TASK\n"
         "touch " + ws + "/x $TASK/x 2> /dev/null; test -e " + ws + "/x -o -e $TASK/x || echo and no more");
  profile().read_only.push_back(above.path().string());
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(Log(), "model\ntask\nmine\nevents.jsonl\ntask.json\nwork\nand no more\n");
}

TEST_F(SandboxTest, AWorkspaceBelowTmpWorksToo) {
  TempDir workspace = TempDir::Create("ns_sandbox_", "/tmp").value();
  fs::path task = workspace.path() / "task";
  fs::rename(task_, task);
  task_ = task;
  plan_.work_folder = task_ / "work";
  plan_.hidden = workspace.path();
  Worker("touch /tmp/mine && cat $TASK/task.json && echo hello >> $TASK/events.jsonl; ls $TASK/..");
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_EQ(Log(), "{}\ntask\n");
  EXPECT_EQ(ReadFile(task_ / "events.jsonl").value(), "hello\n");
}

TEST_F(SandboxTest, ALinkInPlaceOfTheScratchFolderLeadsTheNextStepNowhere) {
  Worker("rm -rf $TASK/work/tmp; ln -s $ALL $TASK/work/tmp; ls -l $TASK/work");
  plan_.steps.back().name = "environment";
  fs::path first = plan_.steps.back().argv[0];
  fs::rename(first, folder_.path() / "first.sh");
  plan_.steps.back().argv[0] = plan_.steps.back().sandbox.read_only.back() = (folder_.path() / "first.sh").string();
  Worker("cat /tmp/db/task.db /tmp/other/task.json; echo mine > /tmp/mine && cat /tmp/mine");
  EXPECT_EQ(Run().exit.exit_code, 0) << Log();
  EXPECT_NE(Log().find("tmp -> " + folder_.path().string()), std::string::npos) << Log();
  EXPECT_EQ(Log().find("secret"), std::string::npos) << Log();
  EXPECT_NE(Log().find("\nmine\n"), std::string::npos) << Log();
}

TEST_F(SandboxTest, InputsAreReadOnly) {
  std::ofstream(folder_.path() / "input") << "input\n";
  Worker("cat $ALL/input; echo x > $ALL/input || echo refused");
  profile().read_only.push_back((folder_.path() / "input").string());
  EXPECT_EQ(Run().exit.exit_code, 0);
  EXPECT_NE(Log().find("input\n"), std::string::npos);
  EXPECT_NE(Log().find("refused"), std::string::npos);
  EXPECT_EQ(ReadFile(folder_.path() / "input").value(), "input\n");
}

TEST_F(SandboxTest, ThereIsNoNetworkUnlessTheProfileAsksForIt) {
  const std::string interfaces = "tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' ' | tr '\\n' ' '; test -e /etc/hosts && echo names";
  Worker(interfaces);
  Run();
  EXPECT_EQ(Log(), "lo ");
  plan_.steps.clear();
  fs::remove(task_ / kExitStatusFileName);  // an attempt that has ended runs no more
  fs::remove(log_);
  Worker(interfaces);
  profile().network = true;
  Run();
  EXPECT_NE(Log().find("names"), std::string::npos) << Log();
}

TEST_F(SandboxTest, NeitherCapabilitiesNorAWayToThemAreLeft) {
  Worker("grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status; unshare --user true || echo no namespace; mount -t tmpfs x /tmp || echo no mount");
  Run();
  EXPECT_NE(Log().find("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"), std::string::npos) << Log();
  EXPECT_NE(Log().find("no namespace"), std::string::npos) << Log();
  EXPECT_NE(Log().find("no mount"), std::string::npos) << Log();
}

TEST_F(SandboxTest, TheEnvironmentIsTheStepsOwn) {
  ::setenv("NS_TEST_SECRET", "secret", 1);
  ::setenv("https_proxy", "http://p", 1);
  Worker("env | cut -d= -f1 | sort | tr '\\n' ' '");
  plan_.steps.back().environment = {{"ASKED", "for"}};
  Run();
  ::unsetenv("NS_TEST_SECRET");
  ::unsetenv("https_proxy");
  EXPECT_EQ(Log().find("SECRET"), std::string::npos) << Log();
  EXPECT_EQ(Log().find("proxy"), std::string::npos) << Log();
  EXPECT_NE(Log().find("ASKED"), std::string::npos) << Log();
}

TEST_F(SandboxTest, ProcessesOfOthersAreNotSeenNorKilled) {
  SpawnOptions sleeper;
  sleeper.argv = {"/bin/sleep", "60"};
  ProcessId victim = Spawn(sleeper).value();
  Worker("ls /proc | grep -c '^[0-9]'; kill -9 " + std::to_string(victim.pid) + "; kill -9 -1; echo alive");
  Run();
  EXPECT_TRUE(IsRunning(victim));
  ::kill(victim.pid, SIGKILL);
  (void)WaitChild(victim.pid);
}

TEST_F(SandboxTest, NothingOutlivesASupervisorThatIsKilled) {
  Worker("setsid sh -c 'touch there; sleep 60' & sleep 60");
  ProcessId supervisor = Start();
  AwaitFile(task_ / "work" / "there");
  auto tree = ProcessTree(supervisor.pid, 100);
  ASSERT_GE(tree.size(), 5U);
  std::vector<ProcessId> processes;
  for (const TreeProcess& process : tree) processes.push_back(IdentifyProcess(process.pid).value_or(ProcessId{}));
  ::kill(supervisor.pid, SIGKILL);
  (void)WaitChild(supervisor.pid);
  auto any_runs = [&] { return std::any_of(processes.begin(), processes.end(), [](const ProcessId& process) { return IsRunning(process); }); };
  for (int i = 0; i < 500 && any_runs(); ++i) ::usleep(10'000);
  EXPECT_FALSE(any_runs());
}

TEST_F(SandboxTest, ADetachedProcessEndsWithItsStep) {
  Worker("setsid sh -c 'sleep 1; touch late' & true");
  Run();
  ::usleep(1'300'000);
  EXPECT_FALSE(fs::exists(task_ / "work" / "late"));
}

TEST_F(SandboxTest, AStopReachesTheStepThroughBubblewrap) {
  Worker("trap 'echo told; exit 5' TERM; touch there; while :; do sleep 0.05; done");
  ProcessId supervisor = Start();
  AwaitFile(task_ / "work" / "there");
  ::kill(supervisor.pid, SIGTERM);
  (void)WaitChild(supervisor.pid);
  EXPECT_EQ(ParseExitRecord(ReadFile(task_ / kExitStatusFileName).value()).value().exit.exit_code, 5);
  EXPECT_NE(Log().find("told\n"), std::string::npos) << Log();
}

TEST_F(SandboxTest, ASignalThatEndsAStepIsSeen) {
  Worker("kill -SEGV $$");
  EXPECT_EQ(Run().exit.signal, SIGSEGV);
}

TEST_F(SandboxTest, ForksWithoutEndAreEnded) {
  plan_.limits.processes = 64;
  Worker("f() { f | f & f; }; f 2>/dev/null; sleep 60");
  ExitRecord end = Run();
  if (end.reason.empty()) {  // the kernel refused to fork, and the shell gave up
    EXPECT_NE(end.exit.exit_code, 0);
  } else {
    EXPECT_EQ(end.reason, "PROCESS_LIMIT");
  }
}

TEST_F(SandboxTest, MemoryOfAllProcessesTogetherIsLimited) {
  plan_.limits.memory_bytes = 200 << 20;
  Worker("for i in 1 2 3; do python3 -c 'import time; x = bytearray(100 << 20); time.sleep(60)' & done; wait");
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "MEMORY_LIMIT") << end.message << end.exit.ToString();
}

TEST_F(SandboxTest, MemoryThatProcessesShareCountsOnce) {
  plan_.limits.memory_bytes = 400 << 20;
  Worker("exec python3 -c \"import os, time\nx = b'x' * (150 << 20)\nfor i in range(4):\n  if os.fork() == 0: time.sleep(1); os._exit(0)\n"
         "for i in range(4): os.wait()\"");
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "") << end.message;
  EXPECT_EQ(end.exit.exit_code, 0) << end.exit.ToString();
}

TEST_F(SandboxTest, EventsWithoutEndAreEnded) {
  plan_.limits.disk_bytes = 1 << 30;
  Worker("while :; do head -c 1000000 /dev/zero >> $TASK/events.jsonl; done");
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "DISK_LIMIT");
  EXPECT_EQ(end.message, "it wrote more than 64 MiB of events");
}

TEST_F(SandboxTest, FoldersTooDeepToMeasureEndATask) {
  plan_.limits.disk_bytes = 1 << 30;
  Worker("exec python3 -c \"import os, time\nfor i in range(3000): os.mkdir('d'); os.chdir('d')\ntime.sleep(60)\"");
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "DISK_LIMIT");
  EXPECT_EQ(end.message, "what it wrote cannot be measured: more than 200 folders in each other");
  EXPECT_TRUE(RemoveTree(task_).ok());
}

TEST_F(SandboxTest, SharedMemoryIsLimited) {
  plan_.limits.memory_bytes = 64 << 20;
  Worker("head -c 50000000 /dev/zero > /dev/shm/x || echo full");
  Run();
  EXPECT_NE(Log().find("full"), std::string::npos) << Log();
}

TEST_F(SandboxTest, AFullDiskIsPreventedInManyFilesInOneAndInDeletedOnes) {
  plan_.limits.disk_bytes = 32 << 20;
  Worker("i=0; while :; do head -c 1000000 /dev/zero > f$i; i=$((i+1)); sleep 0.01; done");
  EXPECT_EQ(Run().reason, "DISK_LIMIT");

  plan_.steps.clear();
  fs::remove_all(task_ / "work");
  Worker("python3 -c \"open('one', 'wb').write(bytes(40 << 20))\"; ls -l one | cut -d' ' -f5");
  bool looked = Run().reason == "DISK_LIMIT";  // the look may come before the write fails
  EXPECT_TRUE(looked || Log().find("File too large") != std::string::npos) << Log();

  plan_.steps.clear();
  fs::remove_all(task_ / "work");
  Worker("exec python3 -c \"import os, time\nfiles = []\nfor i in range(4):\n  f = open('x', 'wb'); os.unlink('x'); f.write(bytes(10 << 20)); f.flush(); "
         "files.append(f)\ntime.sleep(60)\"");
  EXPECT_EQ(Run().reason, "DISK_LIMIT");
}

TEST_F(SandboxTest, WhatAStepWritesElsewhereCountsAndWhatItSharesDoesNot) {
  plan_.limits.disk_bytes = 32 << 20;
  for (const char* name : {"own", "shared"}) fs::create_directories(folder_.path() / name);
  Worker("for i in 1 2 3 4; do head -c 10000000 /dev/zero > $ALL/shared/$i; done; sleep 1; echo wrote");
  profile().shared = {(folder_.path() / "shared").string()};
  ExitRecord end = Run();
  EXPECT_EQ(end.reason, "") << end.message;
  EXPECT_EQ(Log(), "wrote\n");

  plan_.steps.clear();
  fs::remove(task_ / kExitStatusFileName);  // an attempt that has ended runs no more
  Worker("for i in 1 2 3 4; do head -c 10000000 /dev/zero > $ALL/own/$i; done; sleep 60");
  profile().writable = {(folder_.path() / "own").string()};
  EXPECT_EQ(Run().reason, "DISK_LIMIT");
}

TEST(LibraryFoldersTest, OfASystemProgramAreNone) { EXPECT_EQ(LibraryFoldersOf("/bin/sh"), std::vector<std::string>()); }

}  // namespace
}  // namespace ns
