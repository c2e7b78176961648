#include "executors/slurm_executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using testing::Contains;
using testing::Not;
using testing::StartsWith;

TEST(SlurmExecutorTest, AssistantsAreHandedOverWithALowerPriorityThanLeads) {
  SlurmExecutorOptions options;
  SlurmSubmission submission{"ns-1-0-1", false, {}, "/t", "/t/slurm.log", "/t/slurm.sh", {{"supervisor", "--attempt", "1"}, {}}};
  EXPECT_THAT(SbatchWords(options, submission), Not(Contains(StartsWith("--nice"))));
  submission.assistants = true;
  EXPECT_THAT(SbatchWords(options, submission), Contains("--nice=10000"));
  submission.array = {1, 2};
  EXPECT_THAT(SbatchWords(options, submission), Contains("--nice=10000"));
}

TEST(SlurmExecutorTest, TheConfigurationsOwnWordsComeLastAndTheCommandsAsTheyAre) {
  SlurmExecutorOptions options;
  options.cores_per_worker = 2;
  options.partition = "work";
  options.sbatch_options = {"--nice=5"};
  std::vector<std::string> words = SbatchWords(options, {"ns-1-1-2", true, {}, "/t", "/t/slurm.log", "/t/slurm.sh", {{"supervisor", "a b"}, {}}});
  EXPECT_THAT(words, Contains("--cpus-per-task=2"));
  EXPECT_EQ(std::vector<std::string>(words.end() - 5, words.end()),
            (std::vector<std::string>{"--partition=work", "--nice=5", "/t/slurm.sh", "supervisor", "a b"}));
}

TEST(SlurmExecutorTest, NodesThatSeeNoWorkspaceGetTheSecretByTheEnvironmentAndWriteNothingThere) {
  SlurmSubmission submission{"ns-1-0-1", false, {}, "", "", "/t/slurm.sh", {{"outpost"}, {{"NEURAL_SOLUTION_OUTPOST_TOKEN", "secret"}}}};
  std::vector<std::string> words = SbatchWords({}, submission);
  EXPECT_THAT(words, Contains("--chdir=/"));
  EXPECT_THAT(words, Contains("--output=/dev/null"));
  EXPECT_THAT(words, Contains(StartsWith("--export=NEURAL_SOLUTION_OUTPOST_TOKEN,")));
  EXPECT_THAT(words, Not(Contains(testing::HasSubstr("secret"))));
}

}  // namespace
}  // namespace ns
