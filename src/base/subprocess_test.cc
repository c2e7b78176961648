#include "base/subprocess.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/file.h"

namespace ns {
namespace {

TEST(SubprocessTest, ArgumentsArriveAsGivenNoShellInBetween) {
  TempDir dir = TempDir::Create("ns_subprocess_").value();
  SpawnOptions options;
  options.argv = {"printf", "%s|", "a b", "$HOME", "; rm -rf x", "\"q\""};
  options.stdout_file = dir.path() / "out";
  auto process = Spawn(options).value();
  EXPECT_EQ(WaitChild(process.pid).value().exit_code, 0);
  EXPECT_EQ(*ReadFile(options.stdout_file), "a b|$HOME|; rm -rf x|\"q\"|");
}

TEST(SubprocessTest, BothStreamsShareOneFileInOrder) {
  TempDir dir = TempDir::Create("ns_subprocess_").value();
  SpawnOptions options;
  options.argv = {"sh", "-c", "echo 1; echo 2 >&2; echo 3; echo $X; pwd; exit 7"};
  options.stdout_file = options.stderr_file = dir.path() / "out";
  options.set_environment = {{"X", "set"}};
  options.working_folder = "/usr";
  auto process = Spawn(options).value();
  EXPECT_EQ(WaitChild(process.pid).value().ToString(), "exit code 7");
  EXPECT_EQ(*ReadFile(options.stdout_file), "1\n2\n3\nset\n/usr\n");
}

TEST(SubprocessTest, AMissingProgramIsReportedByName) {
  SpawnOptions options;
  options.argv = {"/nonexistent/program"};
  Status status = Spawn(options).status();
  EXPECT_EQ(status.reason(), "PROGRAM_NOT_FOUND");
  EXPECT_NE(status.message().find("/nonexistent/program"), std::string::npos);
}

TEST(SubprocessTest, KillingTheGroupEndsTheChildrenToo) {
  TempDir dir = TempDir::Create("ns_subprocess_").value();
  SpawnOptions options;
  options.argv = {"sh", "-c", "sleep 100 & echo $!; wait"};
  options.stdout_file = dir.path() / "out";
  options.new_session = true;
  auto process = Spawn(options).value();
  std::string text;
  for (int i = 0; i < 500 && text.empty(); ++i) {
    ::usleep(10'000);
    text = *ReadFile(options.stdout_file);
  }
  ASSERT_FALSE(text.empty());
  ProcessId grandchild = IdentifyProcess(std::stoi(text)).value();
  EXPECT_TRUE(IsRunning(process));
  ASSERT_TRUE(SignalGroup(process, SIGKILL).ok());
  EXPECT_EQ(WaitChild(process.pid).value().ToString(), "signal 9 (Killed)");
  for (int i = 0; i < 500 && IsRunning(grandchild); ++i) ::usleep(10'000);
  EXPECT_FALSE(IsRunning(grandchild));
  EXPECT_EQ(SignalGroup(process, SIGKILL).reason(), "NO_PROCESS");
}

TEST(SubprocessTest, ARecycledPidIsNotTheSameProcess) {
  ProcessId self = IdentifyProcess(::getpid()).value();
  EXPECT_TRUE(IsRunning(self));
  ProcessId earlier{self.pid, self.start_ticks - 1};
  EXPECT_FALSE(IsRunning(earlier));
  EXPECT_EQ(SignalProcess(earlier, SIGKILL).reason(), "NO_PROCESS");
}

TEST(CpuTest, ReadsFlagsOfBothArchitectures) {
  CpuFeatures x86 = ParseCpuInfo("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512f avx512bw avx512dq avx512vl avx512_vnni\n");
  EXPECT_EQ(x86.model, "Some CPU");
  EXPECT_EQ(x86.ToString(), "avx2 avx512 vnni");
  EXPECT_FALSE(ParseCpuInfo("flags : avx2 avx512f\n").vnni);
  EXPECT_TRUE(ParseCpuInfo("Features\t: fp asimd asimddp\n").vnni);
}

TEST(CpuTest, ThereIsAtLeastOneUsableCore) { EXPECT_GE(UsableCores().size(), 1u); }

}  // namespace
}  // namespace ns
