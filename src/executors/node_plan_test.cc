#include "executors/node_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "executors/prepare_worker.h"
#include "tasks/team_files.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

class NodePlanTest : public testing::Test {
 protected:
  NodePlanTest() {
    options_.worker_command = {"/opt/worker"};
    options_.teams = options_.relayed = true;
    options_.node_folder = options_.hidden = "/node";
    fs::create_directories(folder_);
    task_.task_id = "t";
    task_.model_path = "/data/models/m.onnx";
    task_.dataset_path = "/data/rows.npz";
    task_.output_folder = folder_ / "work/result";
    task_.events_file = folder_ / "events.jsonl";
    task_.cache_folder = "/ws/cache/tuning/k";
    task_.spec.model = "m";
    task_.spec.dataset.emplace().path = "rows.npz";
    task_.spec.workers = 3;
  }
  WorkerPlace Place(int worker, int fence) const { return {{"t", worker, fence}, folder_, "/ws/log"}; }
  static std::vector<std::string> Targets(const NodeWorkerPlan& plan) {
    std::vector<std::string> targets;
    for (const OutpostInput& input : plan.inputs) targets.push_back(input.target);
    std::sort(targets.begin(), targets.end());
    return targets;
  }

  TempDir workspace_ = TempDir::Create("ns_node_plan_").value();
  fs::path folder_ = workspace_.path() / "t";
  StepPlannerOptions options_;
  TaskFile task_;
};

TEST_F(NodePlanTest, ALeadFindsAllBelowTheNodesFolder) {
  NodeWorkerPlan plan = PlanForNode(options_, Place(0, 1), task_).value();
  EXPECT_EQ(plan.task.model_path, "/node/tasks/t/given/model/m.onnx");
  EXPECT_EQ(plan.task.dataset_path, "/node/tasks/t/given/dataset/rows.npz");
  EXPECT_EQ(plan.task.calibration_path, "");
  EXPECT_EQ(plan.task.cache_folder, "/node/tasks/t/cache");
  EXPECT_EQ(plan.steps.work_folder, "/node/tasks/t/work");
  EXPECT_EQ(plan.steps.relay.address_file, "/node/tasks/t/team_address");
  EXPECT_EQ(Targets(plan), (std::vector<std::string>{"cache", "events.jsonl", "given/dataset/rows.npz", "given/model/m.onnx", "team_token"}));
  std::string words = StepPlanToJson(plan.steps);
  EXPECT_EQ(words.find(workspace_.path().string()), std::string::npos) << words;
  EXPECT_EQ(words.find("/data/"), std::string::npos) << words;
}

TEST_F(NodePlanTest, AnAssistantGetsItsInputsAndTheTokenAndHasAnAddressFileOfItsOwn) {
  NodeWorkerPlan plan = PlanForNode(options_, Place(2, 5), task_).value();
  EXPECT_EQ(plan.steps.relay.socket, "/node/tasks/t/workers/2/team/lead.sock");
  EXPECT_EQ(plan.steps.relay.address_file, "/node/tasks/t/workers/2/team_address");
  EXPECT_EQ(Targets(plan), (std::vector<std::string>{"given/dataset/rows.npz", "given/model/m.onnx", "team_token"}));
}

TEST_F(NodePlanTest, WhatALeadFetchesItsAssistantsWaitFor) {
  options_.fetch_command = {"/opt/fetch"};
  task_.model_path.clear();
  task_.spec.model = "https://example.org/m.onnx";
  NodeWorkerPlan plan = PlanForNode(options_, Place(1, 5), task_).value();
  EXPECT_EQ(plan.inputs.back(), (OutpostInput{folder_ / "inputs", "inputs", true, false, true}));
  EXPECT_EQ(PlanForNode(options_, Place(0, 1), task_).value().steps.steps.size(), 2u);
}

TEST_F(NodePlanTest, TheTokenIsMadeOnceAndReachesTheNodeOutsideOfTheCommandLine) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "task.json", TaskFileToJson(task_)).ok());
  ASSERT_TRUE(PrepareWorker(options_, Place(0, 1)).ok());
  std::string token = ReadFile(folder_ / "outpost_token").value();
  EXPECT_EQ(token.size(), 64u);
  EXPECT_EQ(fs::status(folder_ / "outpost_token").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(PrepareWorker(options_, Place(1, 4)).ok());
  EXPECT_EQ(ReadFile(folder_ / "outpost_token").value(), token);
  EXPECT_EQ(ParseStepPlan(ReadFile(folder_ / "workers/1/steps.json").value()).value().attempt, 4);

  SupervisorOptions supervisor{.task_folder = folder_ / "workers/1", .attempt = 4, .log_file = "/ws/log"};
  auto start = StartElsewhere({"/opt/ns", "outpost"}, "/node", {"/opt/supervisor"}, supervisor, {Place(1, 4)}).value();
  EXPECT_EQ(start.command, (std::vector<std::string>{"/opt/ns", "outpost", "--task", "t", "--worker", "1:4", "--", "/opt/supervisor", "--task-folder",
                                                     "/node/tasks/t/workers/1", "--attempt", "4"}));
  EXPECT_EQ(start.environment, (std::map<std::string, std::string>{{"NEURAL_SOLUTION_OUTPOST_TOKEN", token}}));
}

TEST_F(NodePlanTest, WhereTheWorkspaceIsSeenTheSupervisorIsStartedItself) {
  auto start = StartElsewhere({}, "", {"/opt/supervisor"}, {.task_folder = "/ws/t", .attempt = 2}, {Place(0, 2)}).value();
  EXPECT_EQ(start.command, (std::vector<std::string>{"/opt/supervisor", "--task-folder", "/ws/t", "--attempt", "2"}));
  EXPECT_TRUE(start.environment.empty());
}

}  // namespace
}  // namespace ns
