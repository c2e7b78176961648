#include "service/attempt_folder.h"

#include <gtest/gtest.h>

#include "service/task_service.h"
#include "tasks/task_file.h"

namespace ns {
namespace {

using Kind = AttemptEnd::Kind;

WorkerExit Code(int code) { return {true, {code, 0}}; }
TaskProgress WithResult() {
  TaskProgress progress;
  progress.result = ResultEvent{};
  return progress;
}
TaskProgress WithFailure() {
  TaskProgress progress;
  progress.failure = StateEvent{TaskState::kFailed, "BAD_DATA", "why", 0};
  return progress;
}

TEST(JudgeExitTest, DoneNeedsExitCodeResultAndReport) {
  EXPECT_EQ(JudgeExit(Code(0), WithResult(), true).kind, Kind::kDone);
  EXPECT_EQ(JudgeExit(Code(0), WithResult(), false).reason, "NO_RESULT");
  EXPECT_EQ(JudgeExit(Code(0), TaskProgress(), true).reason, "NO_RESULT");
  EXPECT_EQ(JudgeExit(Code(1), WithResult(), true).kind, Kind::kLost);
}

TEST(JudgeExitTest, AReasonOfTheWorkersOwnFailsAtOnce) {
  EXPECT_EQ(JudgeExit(Code(1), WithFailure(), false).reason, "BAD_DATA");
  EXPECT_EQ(JudgeExit(Code(2), WithFailure(), false).kind, Kind::kFailed);
  EXPECT_EQ(JudgeExit(Code(3), WithFailure(), false).kind, Kind::kLost);
}

TEST(JudgeExitTest, AFullDiskFailsAtOnceAlsoWhenTheWorkerCouldNotSayWhy) {
  EXPECT_EQ(JudgeExit(Code(28), TaskProgress(), false).kind, Kind::kFailed);
  EXPECT_EQ(JudgeExit(Code(28), TaskProgress(), false).reason, "DISK_FULL");
  EXPECT_EQ(JudgeExit(Code(28), WithFailure(), false).reason, "BAD_DATA");
}

TEST(JudgeExitTest, SignalsAndSilenceAreLosses) {
  EXPECT_EQ(JudgeExit({true, {0, 9}}, WithResult(), true).kind, Kind::kLost);
  EXPECT_EQ(JudgeExit({}, WithResult(), true).kind, Kind::kLost);
  EXPECT_EQ(JudgeExit(Code(127), TaskProgress(), false).reason, "WORKER_NOT_RUN");
}

TEST(JudgeExitTest, AReasonOfTheSupervisorsOwnFailsAtOnce) {
  WorkerExit limit{true, {0, 9}, "TIME_LIMIT", "fetch took longer than its 5 s"};
  EXPECT_EQ(JudgeExit(limit, TaskProgress(), false).kind, Kind::kFailed);
  EXPECT_EQ(JudgeExit(limit, TaskProgress(), false).reason, "TIME_LIMIT");
  EXPECT_EQ(JudgeExit(Code(75), TaskProgress(), false).kind, Kind::kLost);  // a step's "try again"
}

TEST(PrepareAttemptTest, ALaterAttemptKeepsTheEarlierEventsAsideAndStartsClean) {
  auto folder = TempDir::Create("ns_attempt_").value();
  Workspace workspace = Workspace::Create(folder.path()).value();
  TaskRecord task;
  task.id = "a";
  task.spec_json = R"({"model": "m.onnx", "dataset": "d.npz"})";
  task.model_path = "/m.onnx";
  WorkspaceFiles files(workspace);
  const std::filesystem::path place = files.PlaceOf({"a", 0, 1}).folder;
  ASSERT_TRUE(files.Prepare(task, files.PlaceOf({"a", 0, 1})).ok());
  ASSERT_TRUE(WriteFileAtomic(place / "events.jsonl", "old\n").ok());
  ASSERT_TRUE(WriteFileAtomic(place / "exit_status", "old\n").ok());
  std::filesystem::create_directories(place / "result");
  for (const char* name : {"result", ".result.ab12cd", "tmp"}) std::filesystem::create_directories(place / "work" / name / "half");
  ASSERT_TRUE(files.Prepare(task, files.PlaceOf({"a", 0, 2})).ok());
  EXPECT_EQ(ReadFile(place / "events.1.jsonl").value(), "old\n");
  EXPECT_EQ(ReadFile(place / "events.jsonl").value(), "");
  EXPECT_FALSE(std::filesystem::exists(place / "exit_status"));
  EXPECT_FALSE(std::filesystem::exists(place / "result"));
  for (const char* name : {"result", ".result.ab12cd", "tmp"}) EXPECT_FALSE(std::filesystem::exists(place / "work" / name)) << name;
}

TEST(PrepareAttemptTest, WhatAnAttemptFoundOutIsItsTasksAloneWhereTheRequestWantsNoCache) {
  auto folder = TempDir::Create("ns_attempt_").value();
  Workspace workspace = Workspace::Create(folder.path()).value();
  WorkspaceFiles files(workspace);
  const std::string entry = std::string(64, 'a') + ".json";
  for (bool cache : {true, false}) {
    TaskRecord task;
    task.id = cache ? "a" : "b";
    task.spec_json = fmt::format(R"({{"model": "m.onnx", "dataset": "d.npz", "tuning": {{"cache": {}}}}})", cache);
    task.model_path = "/m.onnx";
    const std::filesystem::path place = files.PlaceOf({task.id, 0, 1}).folder, found = place / "work" / "cache" / entry;
    ASSERT_TRUE(files.Prepare(task, files.PlaceOf({task.id, 0, 1})).ok());
    std::filesystem::create_directories(found.parent_path());
    ASSERT_TRUE(WriteFileAtomic(found, "{}").ok());
    ASSERT_TRUE(files.Prepare(task, files.PlaceOf({task.id, 0, 2})).ok());
    const std::filesystem::path kept = cache ? workspace.tuning_cache("") : place / "journal";
    EXPECT_EQ(ParseTaskFile(ReadFile(place / "task.json").value())->cache_folder, kept);
    EXPECT_TRUE(std::filesystem::exists(kept / entry)) << kept;
  }
}

TEST(WorkspaceTest, OneServiceAtATime) {
  auto folder = TempDir::Create("ns_workspace_").value();
  Workspace workspace = Workspace::Create(folder.path()).value();
  auto lock = workspace.Lock();
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(workspace.Lock().status().reason(), "ALREADY_RUNNING");
  lock = FileDescriptor();
  EXPECT_TRUE(workspace.Lock().ok());
}

TEST(TaskIdTest, IsAVersion4Uuid) {
  for (int i = 0; i < 100; ++i) {
    std::string id = NewTaskId();
    EXPECT_TRUE(IsTaskId(id)) << id;
    EXPECT_EQ(id[12], '4');
  }
  EXPECT_TRUE(IsTaskId("7602CD63d4c849e7a686a8165a77f69d"));
  EXPECT_FALSE(IsTaskId("7602cd63d4c809e7a686a8165a77f69d"));  // version 0
  EXPECT_FALSE(IsTaskId("7602cd63d4c849e7c686a8165a77f69d"));  // another variant
  EXPECT_FALSE(IsTaskId("7602cd63-d4c8-49e7-a686-a8165a77f69"));
}

}  // namespace
}  // namespace ns
