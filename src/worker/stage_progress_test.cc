#include "worker/stage_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_clock.h"

namespace ns {
namespace {

using namespace std::chrono_literals;

class Recorder final : public EventSink {
 public:
  Status Send(const EventPayload& event) override {
    events.push_back(event);
    return failure;
  }
  std::vector<EventPayload> events;
  Status failure;
};

TEST(StageProgressTest, AddsUpTheTimeOfStagesWithTheSameName) {
  FakeClock clock;
  Recorder sink;
  StageProgress progress(clock, sink);
  progress.Begin("evaluate", 0, 0.5);
  clock.Advance(2s);
  progress.Begin("time", 0.5, 0.6);
  clock.Advance(3s);
  progress.Begin("evaluate", 0.6, 1);
  clock.Advance(4s);
  progress.End();
  EXPECT_EQ(progress.elapsed_by_stage(), (std::map<std::string, double>{{"evaluate", 6}, {"time", 3}}));
}

TEST(StageProgressTest, SendsAtMostFiveProgressEventsASecond) {
  FakeClock clock;
  Recorder sink;
  StageProgress progress(clock, sink);
  progress.Begin("evaluate", 0, 1);
  for (int i = 0; i < 1000; ++i) {
    clock.Advance(1ms);
    progress.Progress("x", i, 1000);
  }
  EXPECT_LE(sink.events.size(), 1u + 5u);
}

TEST(StageProgressTest, TheTimeLeftComesFromTheFractionDone) {
  FakeClock clock;
  Recorder sink;
  StageProgress progress(clock, sink);
  progress.Begin("baseline", 0, 0.5);
  clock.Advance(10s);
  progress.Progress("rows", 50, 100);  // a quarter of all in 10 s: 30 s are left
  auto& event = std::get<ProgressEvent>(sink.events.back());
  EXPECT_EQ(event.stage, "baseline");
  EXPECT_DOUBLE_EQ(event.seconds_left.value(), 30);
}

TEST(StageProgressTest, AStagesNextPartIsNoNewStage) {
  FakeClock clock;
  Recorder sink;
  StageProgress progress(clock, sink);
  progress.Begin("package", 0, 0.5);
  clock.Advance(10s);
  progress.Begin("package", 0.5, 1);
  EXPECT_EQ(sink.events.size(), 1u);
  clock.Advance(10s);
  progress.Progress("rows", 50, 100);  // three quarters in 20 s
  EXPECT_NEAR(std::get<ProgressEvent>(sink.events.back()).seconds_left.value(), 20.0 / 3, 1e-9);
}

TEST(StageProgressTest, KeepsTheFirstFailureOfItsSink) {
  FakeClock clock;
  Recorder sink;
  StageProgress progress(clock, sink);
  sink.failure = ResourceExhausted("no room", "DISK_FULL");
  progress.Note("one");
  sink.failure = Internal("later");
  progress.Note("two");
  EXPECT_EQ(progress.status().reason(), "DISK_FULL");
}

}  // namespace
}  // namespace ns
