#include <gmock/gmock.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include <limits>

#include "api/wire/proto/messages.h"
#include "api/wire/proto/rpc_error.h"
#include "api/wire/proto/task_request.h"

namespace ns {
namespace {

using testing::ElementsAre;

std::vector<FieldError> ErrorsOf(const pb::Task& task) {
  ParsedTaskSpec parsed = ParseTaskSpec(TaskRequestJson(task));
  auto* errors = std::get_if<std::vector<FieldError>>(&parsed);
  return errors == nullptr ? std::vector<FieldError>() : *errors;
}

pb::Task ModelTask() {
  pb::Task task;
  task.set_model("m.onnx");
  task.mutable_dataset()->set_path("rows.npz");
  return task;
}

TEST(TaskRequestTest, LeavesOutWhatIsNotSetAndKeepsWhatIsSetToItsDefault) {
  pb::Task task = ModelTask();
  EXPECT_EQ(TaskRequestJson(task), R"({"model":"m.onnx","dataset":{"path":"rows.npz"}})");
  task.mutable_tuning()->set_cache(false);
  task.mutable_tuning()->set_seed(0);
  task.mutable_dataset()->set_evaluation_samples(0);
  EXPECT_EQ(TaskRequestJson(task), R"({"model":"m.onnx","dataset":{"path":"rows.npz","evaluation_samples":0},"tuning":{"seed":0,"cache":false}})");
}

TEST(TaskRequestTest, EscapesText) {
  pb::Task task;
  task.add_arguments("a\"b\\c\n\x01\xC3\xA9");
  EXPECT_EQ(TaskRequestJson(task), "{\"arguments\":[\"a\\\"b\\\\c\\u000a\\u0001\xC3\xA9\"]}");
}

TEST(TaskRequestTest, BothDeadlinesAreTheDeadline) {
  pb::Task task = ModelTask();
  task.set_deadline_seconds(90.5);
  EXPECT_EQ(std::get<TaskSpec>(ParseTaskSpec(TaskRequestJson(task))).deadline_seconds, 90.5);
  task.mutable_deadline_time()->set_seconds(1'700'000'000);
  task.mutable_deadline_time()->set_nanos(500'000'000);
  EXPECT_EQ(std::get<TaskSpec>(ParseTaskSpec(TaskRequestJson(task))).deadline_time, WallTime(std::chrono::milliseconds(1'700'000'000'500)));
  EXPECT_TRUE(ErrorsOf(task).empty());
  task.mutable_deadline_time()->set_seconds(std::numeric_limits<int64_t>::max());
  ASSERT_EQ(ErrorsOf(task).size(), 1u);
  EXPECT_THAT(ErrorsOf(task)[0].loc, ElementsAre("body", "deadline"));
}

TEST(TaskRequestTest, NumbersThatJsonHasNotAreRefusedAtTheirPlace) {
  pb::Task task = ModelTask();
  task.mutable_accuracy_criterion()->set_tolerable_loss(std::numeric_limits<double>::quiet_NaN());
  task.mutable_tuning()->set_timeout(std::numeric_limits<double>::infinity());
  std::vector<FieldError> errors = ErrorsOf(task);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_THAT(errors[0].loc, ElementsAre("body", "accuracy_criterion", "tolerable_loss"));
  EXPECT_THAT(errors[1].loc, ElementsAre("body", "tuning", "timeout"));
}

TEST(RpcErrorTest, NamesWrongFieldsByTheirPath) {
  RpcError error = ToRpcError(std::vector<FieldError>{{{"body", "metric", "10", "name"}, "must be f1", "x"}, {{"body"}, "no JSON", "x"}});
  EXPECT_EQ(error.code, 3);
  google::rpc::Status status;
  ASSERT_TRUE(status.ParseFromString(error.details));
  google::rpc::BadRequest bad;
  ASSERT_TRUE(status.details(0).UnpackTo(&bad));
  ASSERT_EQ(bad.field_violations_size(), 2);
  EXPECT_EQ(bad.field_violations(0).field(), "metric[10].name");
  EXPECT_EQ(bad.field_violations(0).description(), "must be f1");
  EXPECT_EQ(bad.field_violations(1).field(), "");
}

TEST(RpcErrorTest, CarriesTheReasonAndHidesWhatIsInternal) {
  RpcError error = ToRpcError(FailedPrecondition("task x is running, not done", "NOT_DONE"));
  EXPECT_EQ(error.code, 9);
  EXPECT_EQ(error.message, "task x is running, not done");
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(status.ParseFromString(error.details) && status.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "NOT_DONE");
  EXPECT_EQ(info.domain(), "neural_solution");
  EXPECT_EQ(ToRpcError(Internal("/secret/path", "OPEN")).message, "internal error");
  EXPECT_EQ(ToRpcError(Internal("/secret/path", "OPEN")).details, "");
}

TEST(MessagesTest, AnEventKeepsItsNumberTimeAndPayload) {
  TaskEvent event{7, WallTime(std::chrono::microseconds(1'700'000'000'123'456)), TrialEvent{2, "dynamic", "f1", 0.5, 1.5, 0.25, {}, true, false}};
  pb::TaskEvent out;
  FillEvent(event, &out);
  EXPECT_EQ(out.seq(), 7u);
  EXPECT_EQ(out.time().seconds(), 1'700'000'000);
  EXPECT_EQ(out.time().nanos(), 123'456'000);
  EXPECT_EQ(out.trial().index(), 2);
  EXPECT_EQ(out.trial().latency_ms(), 0.25);
  EXPECT_FALSE(out.trial().has_size_bytes());
  EXPECT_TRUE(out.trial().meets_criterion());
}

TEST(MessagesTest, TimesBefore1970RoundTrip) {
  google::protobuf::Timestamp time;
  FillTime(WallTime(std::chrono::microseconds(-1)), &time);
  EXPECT_EQ(time.seconds(), -1);
  EXPECT_EQ(time.nanos(), 999'999'000);
  EXPECT_EQ(ToWallTime(time), WallTime(std::chrono::microseconds(-1)));
}

TEST(MessagesTest, DetailsTellWhereWorkersAreWhatWasTriedAndWhatBecameOfTheWebhook) {
  StatusAnswer answer;
  answer.state = TaskState::kRunning;
  answer.workers = 8, answer.workers_now = 2, answer.workers_most = 4, answer.workers_note = "the cluster has 4 slots";
  answer.progress.workers = WorkersEvent{3, 2};
  answer.progress.estimate = EstimateEvent{12.5, 4'000'000'000};
  answer.progress.note = "every row counts";
  answer.where = {{0, "node1", ""}, {1, "", "waits in Slurm: Resources (job 12)"}};
  answer.attempts = {{1, WallTime(std::chrono::seconds(10)), WallTime(std::chrono::seconds(20)), "lost"}, {2, WallTime(std::chrono::seconds(21)), {}, ""}};
  answer.webhook = WebhookStatus{"waiting", 2, WallTime(std::chrono::seconds(99)), {}, "refused"};
  pb::ResponseTaskResult result;
  FillTaskResult(answer, &result);
  EXPECT_EQ(result.details().ShortDebugString(),
            R"x(workers { asked: 8 now: 2 most: 4 note: "the cluster has 4 slots" useful: 3 joined: 2 } )x"
            R"x(where { node: "node1" } where { worker: 1 note: "waits in Slurm: Resources (job 12)" } )x"
            R"x(estimate { seconds: 12.5 memory_bytes: 4000000000 } note: "every row counts" )x"
            R"x(attempts { attempt: 1 started { seconds: 10 } ended { seconds: 20 } outcome: "lost" } attempts { attempt: 2 started { seconds: 21 } } )x"
            R"x(webhook { state: "waiting" tries: 2 next { seconds: 99 } last_error: "refused" })x");
}

TEST(MessagesTest, AResultIsTheSameJsonTextAsInRest) {
  StatusAnswer answer;
  answer.state = TaskState::kDone;
  answer.result = ResultEvent{true, "fine", "accuracy", 0.8912, 0.25, 1.5};
  answer.result_path = "http://h/download/1";
  pb::TaskStatus status;
  FillTaskStatus(answer, &status);
  EXPECT_EQ(status.optimized_result(),
            R"x({"optimization time (seconds)":"1.50","accuracy":"0.8912","Accuracy":"0.8912","duration (seconds)":"0.2500","Duration (seconds)":"0.2500"})x");
  pb::ResponseTaskResult result;
  answer.state = TaskState::kPending;
  answer.result.reset();
  FillTaskResult(answer, &result);
  EXPECT_EQ(result.tuning_information(), "{}");
  EXPECT_EQ(result.optimization_result(), "{}");
}

}  // namespace
}  // namespace ns
