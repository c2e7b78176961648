#include "tasks/task_event.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/testing/fake_clock.h"
#include "tasks/answers.h"
#include "tasks/event_log.h"
#include "tasks/report.h"
#include "tasks/task_progress.h"

namespace ns {
namespace {

TEST(TaskEventTest, OneLineOfTheDocumentedShape) {
  TaskEvent event{7, WallTime(std::chrono::microseconds(1'769'860'800'123'456)), NoteEvent{"two\nlines", true}};
  EXPECT_EQ(TaskEventToJson(event),
            R"({"seq":7,"time":"2026-01-31T12:00:00.123456Z","type":"note","payload":{"text":"two\nlines","warning":true}})");
}

TEST(TaskEventTest, EveryKindComesBack) {
  TrialEvent trial{3, "static", "f1", 0.5, 1.25, 2.5, 1000, true, true};
  for (const EventPayload& payload :
       {EventPayload(StateEvent{TaskState::kFailed, "BAD", "why", 2}), EventPayload(StageEvent{"calibrate"}),
        EventPayload(ProgressEvent{"calibrate", 3, 10, 1.5}), EventPayload(NoteEvent{"x", false}), EventPayload(trial),
        EventPayload(ResultEvent{true, "faster", "f1", 0.5, 1, 2}),
        EventPayload(EstimateEvent{12, 1000}), EventPayload(WorkersEvent{4, 2})}) {
    TaskEvent event{1, WallTime(std::chrono::microseconds(5)), payload};
    auto back = ParseTaskEvent(TaskEventToJson(event));
    ASSERT_TRUE(back.ok()) << back.status().ToString();
    EXPECT_EQ(*back, event);
  }
}

TEST(TaskEventTest, RefusesWhatIsNoEvent) {
  for (const char* bad : {"", "{", "[]", R"({"seq":1})", R"({"seq":1,"time":"x","type":"note","payload":{"text":"a"}})",
                          R"({"seq":1,"time":"2026-01-31T12:00:00Z","type":"other","payload":{}})",
                          R"({"seq":1,"time":"2026-01-31T12:00:00Z","type":"state","payload":{"state":"odd"}})"}) {
    EXPECT_EQ(ParseTaskEvent(bad).status().reason(), "BAD_EVENT") << bad;
  }
}

TEST(TaskEventTest, TimesOfOtherZonesAndPrecisions) {
  // 12:00 at +02:00 is 10:00 UTC = 1769853600 s.
  EXPECT_EQ(ParseTime("2026-01-31T12:00:00+02:00"), WallTime(std::chrono::seconds(1'769'853'600)));
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00.5Z"), WallTime(std::chrono::microseconds(500'000)));
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00"), std::nullopt);
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00Zx"), std::nullopt);
}

TEST(TaskProgressTest, ANewAttemptStartsAfresh) {
  TaskProgress progress;
  progress.Apply(TrialEvent{0, "fp32", "f1", 0.9, 1, {}, {}, true, false});
  progress.Apply(TrialEvent{1, "static", "f1", 0.8, 1, {}, {}, true, true});
  progress.Apply(TrialEvent{2, "dynamic", "f1", 0.7, 1, {}, {}, true, false});
  EXPECT_EQ(progress.baseline->accuracy, 0.9);
  EXPECT_EQ(progress.last->index, 2);
  EXPECT_EQ(progress.best->index, 1);
  progress.Apply(StateEvent{TaskState::kRunning, "", "", 2});
  EXPECT_EQ(progress, TaskProgress());
}

TEST(EventLogTest, GoesOnAfterTheLastCompleteLine) {
  auto folder = TempDir::Create("ns_event_log_").value();
  FakeClock clock;
  auto path = folder.path() / "events.jsonl";
  {
    auto log = EventLog::Open(path, clock).value();
    ASSERT_TRUE(log->Append(StageEvent{"a"}).ok());
    ASSERT_TRUE(log->Append(StageEvent{"b"}).ok());
  }
  std::string whole = ReadFile(path).value();
  ASSERT_TRUE(WriteFileAtomic(path, whole + R"({"seq":3,"ti)").ok());  // torn by a crash
  auto log = EventLog::Open(path, clock).value();
  EXPECT_EQ(log->last_seq(), 2u);
  ASSERT_TRUE(log->Append(StageEvent{"c"}).ok());
  std::string text = ReadFile(path).value();
  EXPECT_EQ(text.substr(0, whole.size()), whole);
  EXPECT_EQ(ParseTaskEvent(text.substr(whole.size(), text.size() - whole.size() - 1))->seq, 3u);
}

TEST(ReportTest, ComesBackAndWritesNullForWhatIsNoNumber) {
  Report report;
  report.verdict = "faster";
  report.goal_met = true;
  report.baseline.metric["f1"] = 0.9;
  report.optimized.latency_ms = {1.5, 2.0, 1, 2};
  report.speedup = {2.0, 1.9, NAN};
  report.session = SessionSettings{2, true, false, "extended"};
  report.operators.push_back({"conv1", "Conv", "int8 static", "fused", 30.0, {}});
  report.trials.push_back({.index = 1, .configuration = "static", .metric = {{"f1", 0.9}}, .rows = 10, .meets_criterion = true,
                           .latency_ms = {}, .size_bytes = {}, .worker = "", .started = "", .seconds = 2, .note = ""});
  std::string json = ReportToJson(report);
  EXPECT_NE(json.find("\"high\": null"), std::string::npos);
  Report back = ParseReport(json).value();
  EXPECT_EQ(back.verdict, "faster");
  EXPECT_EQ(back.baseline.metric["f1"], 0.9);
  EXPECT_EQ(back.optimized.latency_ms.p95, 2.0);
  EXPECT_TRUE(std::isnan(back.speedup.high));
  EXPECT_EQ(back.session, report.session);
  EXPECT_EQ(SessionSettingsText(*back.session),
            "intra_op_num_threads 2, session.intra_op.allow_spinning 1, enable_cpu_mem_arena false, graph_optimization_level ORT_ENABLE_EXTENDED");
  EXPECT_EQ(ParseReport(R"({"verdict": "", "session": {"graph_optimization": "most"}})")->session, std::nullopt);
  EXPECT_EQ(back.operators[0].sqnr_db, 30.0);
  EXPECT_EQ(back.operators[0].latency_share, std::nullopt);
  EXPECT_EQ(back.trials[0].rows, 10);
  EXPECT_EQ(ParseReport("[]").status().reason(), "BAD_REPORT");
}

TEST(AnswersTest, TheStatusOfADoneTaskIsByteForByteTheOriginals) {
  StatusAnswer answer;
  answer.state = TaskState::kDone;
  answer.result = ResultEvent{true, "", "accuracy", 0.31623, 4.64881, 58.149};
  answer.result_path = "http://h/download/1";
  EXPECT_EQ(TaskAnswerJson(answer),
            R"~({"status":"done","optimized_result":{"optimization time (seconds)":"58.15","accuracy":"0.3162","Accuracy":"0.3162",)~"
            R"~("duration (seconds)":"4.6488","Duration (seconds)":"4.6488"},"result_path":"http://h/download/1"})~");
}

TEST(AnswersTest, AStatusComesBackToTheClient) {
  StatusAnswer answer;
  answer.state = TaskState::kRunning;
  answer.progress.stage = "calibrate";
  answer.progress.done = 3;
  answer.progress.total = 10;
  answer.progress.baseline = TrialEvent{0, "fp32", "f1", 0.9, 1, {}, {}, true, false};
  answer.attempt = 2;
  auto back = ParseStatusAnswer(StatusAnswerJson(answer)).value();
  EXPECT_EQ(back.state, TaskState::kRunning);
  EXPECT_EQ(back.progress.total, 10);
  EXPECT_EQ(back.progress.baseline, answer.progress.baseline);
  EXPECT_EQ(back.attempt, 2);
}

TEST(TaskStateTest, FinalStatesAreNeverLeft) {
  for (TaskState from : {TaskState::kDone, TaskState::kFailed, TaskState::kCancelled}) {
    for (TaskState to : {TaskState::kPending, TaskState::kRunning, TaskState::kDone, TaskState::kFailed, TaskState::kCancelled}) {
      EXPECT_FALSE(MayFollow(from, to));
    }
  }
  EXPECT_TRUE(MayFollow(TaskState::kRunning, TaskState::kPending));
  EXPECT_FALSE(MayFollow(TaskState::kPending, TaskState::kDone));
}

}  // namespace
}  // namespace ns
