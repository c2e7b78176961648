#include "executors/slurm_text.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

// As Slurm 22.05 printed it: four jobs run, one of them has ended, one waits for resources, a fifth of an array for its node's end.
TEST(SlurmTextTest, SqueuesLinesAreJobs) {
  auto jobs = ParseSqueue("1|CANCELLED|None|\n2_5|PENDING|Resources|\n4|PENDING|PartitionConfig|\n2_1|RUNNING|None|node1\n"
                          "2_2|COMPLETING|NonZeroExitCode|node2\n");
  ASSERT_EQ(jobs.size(), 5u);
  EXPECT_EQ(jobs[0], (SlurmJob{"1", "CANCELLED", "", "", SlurmPhase::kOver}));
  EXPECT_EQ(jobs[1], (SlurmJob{"2_5", "PENDING", "Resources", "", SlurmPhase::kWaiting}));
  EXPECT_EQ(jobs[3], (SlurmJob{"2_1", "RUNNING", "", "node1", SlurmPhase::kRunning}));
  EXPECT_EQ(jobs[4], (SlurmJob{"2_2", "COMPLETING", "NonZeroExitCode", "node2", SlurmPhase::kRunning}));
}

TEST(SlurmTextTest, LinesOfAnotherFormAreLeftOut) {
  EXPECT_TRUE(ParseSqueue("").empty());
  EXPECT_TRUE(ParseSqueue("slurm_load_jobs error: Unable to contact slurm controller\n|||\n").empty());
}

TEST(SlurmTextTest, AJobThatIsQueuedAgainWaitsAndUnknownWordsDoNotEndIt) {
  EXPECT_EQ(PhaseOf("PENDING"), SlurmPhase::kWaiting);
  EXPECT_EQ(PhaseOf("REQUEUED"), SlurmPhase::kWaiting);
  EXPECT_EQ(PhaseOf("A_NEW_WORD"), SlurmPhase::kWaiting);
  EXPECT_EQ(PhaseOf("NODE_FAIL"), SlurmPhase::kOver);
}

TEST(SlurmTextTest, SbatchGivesTheJobsNumber) {
  EXPECT_EQ(ParseSbatch("17\n").value(), "17");
  EXPECT_EQ(ParseSbatch("17;lab\n").value(), "17");
  EXPECT_EQ(ParseSbatch("sbatch: error: Batch job submission failed\n").status().reason(), "BAD_ANSWER");
  EXPECT_FALSE(ParseSbatch("").ok());
}

TEST(SlurmTextTest, ScontrolTellsHowAJobEnded) {
  std::string line =
      "JobId=3 JobName=ns Account=(null) QOS=(null) JobState=FAILED Reason=NonZeroExitCode Dependency=(null) Requeue=1 Restarts=2 BatchFlag=1 "
      "Reboot=0 ExitCode=7:0 RunTime=00:00:03 TimeLimit=UNLIMITED ReqNodeList=(null) ExcNodeList=(null) NodeList=node4 BatchHost=node4 NumNodes=1\n";
  auto end = ParseScontrolJob(line);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, (SlurmEnd{"FAILED", 7, 0, "00:00:03", "node4", 2}));
  EXPECT_EQ(ToString(*end), "FAILED on node4 after 00:00:03, exit code 7, queued again 2 times");
  EXPECT_FALSE(ParseScontrolJob("slurm_load_jobs error: Invalid job id specified\n"));
}

TEST(SlurmTextTest, SacctsLastLineTellsTheSame) {
  auto end = ParseSacct("12|NODE_FAIL|1:0|00:01:00|node1\n12|CANCELLED by 0|0:15|00:00:35|node3\n");
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, (SlurmEnd{"CANCELLED", 0, 15, "00:00:35", "node3", 0}));
  EXPECT_EQ(ToString(*end), "CANCELLED on node3 after 00:00:35, signal 15");
  EXPECT_FALSE(ParseSacct("Slurm accounting storage is disabled\n"));
}

TEST(SlurmTextTest, SinfosNodesHaveAsManySlotsAsWorkersFitAndSayWhatIsWrong) {
  auto nodes = ParseSinfo("node1|allocated|8|8/0/0/8|none\nnode1|allocated|8|8/0/0/8|none\nnode2|mixed|8|2/6/0/8|none\n"
                          "node3|down*|8|0/0/8/8|Not responding\nbad line\n", 2);
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0], (NodeView{1, {"node1", 4, 2}, false, 0, 4, ""}));
  EXPECT_EQ(nodes[1], (NodeView{2, {"node2", 4, 2}, false, 3, 1, ""}));
  EXPECT_EQ(nodes[2].trouble, "Slurm says down*: Not responding");
  EXPECT_EQ(NodeStatus(nodes[2]), "down");
}

}  // namespace
}  // namespace ns
