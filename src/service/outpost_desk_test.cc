#include "service/outpost_desk.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tasks/cache_folder.h"
#include "tasks/process_files.h"
#include "tasks/step_plan.h"
#include "tasks/task_event.h"
#include "tasks/task_file.h"
#include "tasks/team_files.h"

namespace ns {
namespace {

namespace fs = std::filesystem;

const std::string kTask = "aaaaaaaaaaaa4aaa8aaaaaaaaaaaaaaa", kOther = "bbbbbbbbbbbb4bbb8bbbbbbbbbbbbbbb", kToken(64, '7');

class OutpostDeskTest : public testing::Test {
 protected:
  OutpostDeskTest() {
    MakeWorker(0, 1);
    Write(folder_ / "outpost_token", kToken);
    Write(folder_ / "events.jsonl", "");
    TaskFile task;
    task.task_id = kTask;
    task.model_path = "/m";
    task.output_folder = "/o";
    task.events_file = folder_ / "events.jsonl";
    task.cache_folder = folder_ / "journal";
    task.spec.model = "m";
    task.spec.dataset.emplace().path = "rows.npz";
    Write(folder_ / "task.json", TaskFileToJson(task));
  }
  static void Write(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    EXPECT_TRUE(WriteFileAtomic(path, content).ok()) << path;
  }
  void MakeWorker(int worker, int fence, const std::vector<OutpostInput>& inputs = {}) {
    fs::path folder = WorkerFolder(folder_, worker);
    StepPlan plan;
    plan.attempt = fence;
    plan.work_folder = "/w";
    plan.steps = {{"worker", {"/bin/true"}, {}, 0, "", {}}};
    Write(folder / "steps.json", StepPlanToJson(plan));
    Write(folder / "outpost.json", OutpostInputsToJson(inputs));
  }
  static OutpostCaller Caller(int worker = 0, int fence = 1, char session = '1') { return {{kTask, worker, fence}, kToken, std::string(32, session)}; }
  static std::string Event(uint64_t seq, const std::string& stage) { return TaskEventToJson({seq, WallTime{}, StageEvent{stage}}) + "\n"; }
  Status Send(const OutpostCaller& caller, const std::string& content) {
    UploadRequest request;
    request.name = request.sha256 = Sha256Hex(content);
    request.total = request.end = content.size();
    NS_ASSIGN_OR_RETURN(auto upload, desk_->BeginUpload(caller, request));
    NS_RETURN_IF_ERROR(upload->Take(content));
    return upload->Finish().status();
  }

  TempDir root_ = TempDir::Create("ns_desk_").value();
  Workspace workspace_ = Workspace::Create(root_.path()).value();
  fs::path folder_ = workspace_.task_folder(kTask);
  SystemClock clock_;
  std::unique_ptr<OutpostDesk> desk_ = OutpostDesk::Open({}, workspace_, clock_).value();
};

TEST_F(OutpostDeskTest, NobodyIsHeardWithoutTheTasksOwnToken) {
  OutpostCaller wrong = Caller();
  wrong.token.back() = '8';
  EXPECT_EQ(desk_->Begin(wrong).status().reason(), "BAD_TOKEN");
  wrong.token.clear();
  EXPECT_EQ(desk_->Begin(wrong).status().reason(), "BAD_TOKEN");
  // The token of one task opens no other one.
  Write(workspace_.task_folder(kOther) / "outpost_token", std::string(64, '9'));
  wrong = Caller();
  wrong.worker.task_id = kOther;
  EXPECT_EQ(desk_->Begin(wrong).status().reason(), "BAD_TOKEN");
  for (const char* task : {"", "..", "../x"}) {
    wrong.worker.task_id = task;
    EXPECT_EQ(desk_->TakeEvents(wrong, Event(1, "x")).status().reason(), "BAD_TOKEN") << task;
  }
  EXPECT_TRUE(desk_->Begin(Caller()).ok());
}

TEST_F(OutpostDeskTest, OnlyTheCurrentStartAndItsLastProcessAreHeard) {
  EXPECT_EQ(desk_->TakeBeat(Caller(), {}).status().reason(), "GIVEN_UP") << "it has not begun";
  ASSERT_TRUE(desk_->Begin(Caller(0, 1, '1')).ok());
  EXPECT_TRUE(desk_->TakeBeat(Caller(0, 1, '1'), {}).ok());
  ASSERT_TRUE(desk_->Begin(Caller(0, 1, '2')).ok());  // a scheduler queued the job again
  EXPECT_EQ(desk_->TakeEvents(Caller(0, 1, '1'), Event(1, "x")).status().reason(), "GIVEN_UP");
  EXPECT_TRUE(desk_->TakeBeat(Caller(0, 1, '2'), {}).ok());
  MakeWorker(0, 2);
  EXPECT_EQ(desk_->TakeEvents(Caller(0, 1, '2'), Event(1, "x")).status().reason(), "GIVEN_UP");
  EXPECT_EQ(desk_->Begin(Caller(0, 1, '3')).status().reason(), "GIVEN_UP");
  EXPECT_EQ(ReadFile(folder_ / "events.jsonl").value(), "");
}

TEST_F(OutpostDeskTest, AWorkerGetsTheFilesThatItWasToldOfAndNoOther) {
  Write(root_.path() / "model.onnx", "the model");
  Write(root_.path() / "data" / "sub" / "rows", "rows");
  MakeWorker(0, 1, {{root_.path() / "model.onnx", "given/model/model.onnx", true, true, false}, {root_.path() / "data", "given/dataset/data", true, false, false}});
  OutpostOrder order = desk_->Begin(Caller()).value();
  ASSERT_EQ(order.files.size(), 2u);
  EXPECT_EQ(order.files[0], (OutpostFile{"given/model/model.onnx", Sha256Hex("the model"), 9, true}));
  EXPECT_EQ(order.files[1].target, "given/dataset/data/sub/rows");
  EXPECT_EQ(desk_->File(Caller(), Sha256Hex("the model")).value(), root_.path() / "model.onnx");
  EXPECT_EQ(desk_->File(Caller(), Sha256Hex("else")).status().reason(), "UNKNOWN_FILE");
  MakeWorker(1, 3);
  ASSERT_TRUE(desk_->Begin(Caller(1, 3)).ok());
  EXPECT_EQ(desk_->File(Caller(1, 3), Sha256Hex("the model")).status().reason(), "UNKNOWN_FILE");
}

TEST_F(OutpostDeskTest, EventsAndOutputThatAreSentAgainAreTakenOnce) {
  ASSERT_TRUE(desk_->Begin(Caller()).ok());
  EXPECT_EQ(desk_->TakeEvents(Caller(), Event(1, "a") + Event(2, "b")).value(), 2u);
  EXPECT_EQ(desk_->TakeEvents(Caller(), Event(1, "a") + Event(2, "b") + "no event\n" + Event(3, "c") + "torn").value(), 3u);
  EXPECT_EQ(ReadFile(folder_ / "events.jsonl").value(), Event(1, "a") + Event(2, "b") + Event(3, "c"));
  EXPECT_EQ(desk_->TakeLog(Caller(), 0, "one\n").value(), 4u);
  EXPECT_EQ(desk_->TakeLog(Caller(), 0, "one\ntwo\n").value(), 8u);
  EXPECT_EQ(desk_->TakeLog(Caller(), 100, "later").value(), 8u);
  desk_ = OutpostDesk::Open({}, workspace_, clock_).value();  // a service that starts again
  EXPECT_EQ(desk_->TakeLog(Caller(), 4, "two\nthree\n").value(), 14u);
  EXPECT_EQ(desk_->TakeEvents(Caller(), Event(3, "c")).value(), 3u);
  EXPECT_EQ(ReadFile(workspace_.task_log(kTask)).value(), "one\ntwo\nthree\n");
}

TEST_F(OutpostDeskTest, WhatALeadFindsOutIsInTheTasksCacheAtOnce) {
  ASSERT_TRUE(desk_->Begin(Caller()).ok());
  std::string name = std::string(64, 'c') + ".json";
  ASSERT_TRUE(desk_->TakeCacheEntry(Caller(), name, "{}").ok());
  EXPECT_EQ(ReadFile(folder_ / "journal" / name).value(), "{}");
  EXPECT_EQ(desk_->TakeCacheEntry(Caller(), "../../x", "{}").reason(), "BAD_ENTRY");
  EXPECT_EQ(desk_->TakeCacheEntry(Caller(), name, std::string(kMaxCacheEntryBytes + 1, 'x')).reason(), "BAD_ENTRY");
}

TEST_F(OutpostDeskTest, AssistantsHearTheLeadsAddressAndBringNothingOfTheTasks) {
  MakeWorker(2, 6);
  ASSERT_TRUE(desk_->Begin(Caller()).ok());
  ASSERT_TRUE(desk_->Begin(Caller(2, 6)).ok());
  EXPECT_EQ(desk_->TakeBeat(Caller(2, 6), {"", "tcp:10.6.6.6:1\n"}).value().address, "");
  std::string pids = WorkerPidsToJson({1, {10, 5}, {11, 6}});
  ASSERT_TRUE(desk_->TakeBeat(Caller(), {pids, "tcp:10.0.0.1:4000\n"}).ok());
  EXPECT_EQ(desk_->TakeBeat(Caller(2, 6), {}).value().address, "tcp:10.0.0.1:4000\n");
  EXPECT_EQ(ReadFile(folder_ / "worker.pid").value(), pids);
  EXPECT_TRUE(fs::exists(WorkerFolder(folder_, 2) / "supervisor.lock")) << "a sign of life";
  EXPECT_EQ(desk_->TakeEvents(Caller(2, 6), Event(1, "x")).status().reason(), "NOT_THE_LEAD");
  EXPECT_EQ(desk_->TakeCacheEntry(Caller(2, 6), std::string(64, 'c') + ".json", "{}").reason(), "NOT_THE_LEAD");
  EXPECT_EQ(Send(Caller(2, 6), "x").reason(), "NOT_THE_LEAD");
  EXPECT_EQ(desk_->TakeFolder(Caller(2, 6), "result", {}).reason(), "NOT_THE_LEAD");
}

TEST_F(OutpostDeskTest, AResultIsThereWholeAndThenTheWorkerHasEnded) {
  ASSERT_TRUE(desk_->Begin(Caller()).ok());
  ASSERT_TRUE(Send(Caller(), "model").ok());
  ASSERT_TRUE(Send(Caller(), "report").ok());
  OutpostFile model{"model.onnx", Sha256Hex("model"), 5, false}, report{"sub/report.json", Sha256Hex("report"), 6, false};
  OutpostFile missing{"x", Sha256Hex("missing"), 7, false}, outside{"../x", Sha256Hex("model"), 5, false};
  EXPECT_EQ(desk_->TakeFolder(Caller(), "result", {model, missing}).reason(), "UNKNOWN_FILE");
  EXPECT_EQ(desk_->TakeFolder(Caller(), "result", {outside}).reason(), "BAD_TARGET");
  EXPECT_EQ(desk_->TakeFolder(Caller(), "work", {model}).reason(), "BAD_TARGET");
  EXPECT_FALSE(fs::exists(folder_ / "result"));
  ASSERT_TRUE(desk_->TakeFolder(Caller(), "result", {model, report}).ok());
  EXPECT_EQ(ReadFile(folder_ / "result/model.onnx").value(), "model");
  EXPECT_EQ(ReadFile(folder_ / "result/sub/report.json").value(), "report");
  EXPECT_TRUE(fs::is_empty(workspace_.arrivals() / "files")) << "nothing of it stays elsewhere";
  EXPECT_EQ(desk_->TakeEnd(Caller(), "?").reason(), "BAD_PROCESS_FILE");
  EXPECT_EQ(desk_->TakeEnd(Caller(), ExitRecordToJson({2, {0, 0}, "worker", "", ""})).reason(), "GIVEN_UP");
  ASSERT_TRUE(desk_->TakeEnd(Caller(), ExitRecordToJson({1, {0, 0}, "worker", "", ""})).ok());
  EXPECT_EQ(ParseExitRecord(ReadFile(folder_ / "exit_status").value()).value().attempt, 1);
  EXPECT_EQ(desk_->TakeBeat(Caller(), {}).status().reason(), "ENDED");
  EXPECT_TRUE(desk_->Begin(Caller(0, 1, '2')).value().ended);
}

TEST_F(OutpostDeskTest, WhatTheLeadFetchesIsAwaited) {
  MakeWorker(1, 3, {{folder_ / "inputs", "inputs", true, false, true}});
  EXPECT_EQ(desk_->Begin(Caller(1, 3)).status().reason(), "NOT_YET");
  ASSERT_TRUE(desk_->Begin(Caller()).ok());
  ASSERT_TRUE(Send(Caller(), "{}").ok());
  ASSERT_TRUE(desk_->TakeFolder(Caller(), "inputs", {{"inputs.json", Sha256Hex("{}"), 2, false}}).ok());
  EXPECT_EQ(desk_->Begin(Caller(1, 3)).value().files[0].target, "inputs/inputs.json");
}

}  // namespace
}  // namespace ns
