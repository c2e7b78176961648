#include "schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AttemptEnd::Kind;
using std::chrono::milliseconds;

const SteadyTime kStart;
const AttemptEnd kLost{Kind::kLost, "WORKER_LOST", "signal 9"};

// One node, 0, with slots 0, 1, ...
Scheduler WithSlots(int slots) {
  Scheduler scheduler({});
  (void)scheduler.AddNode(0, slots, kStart);
  return scheduler;
}

TEST(SchedulerTest, ATaskStartsTheMomentItIsSubmitted) {
  Scheduler scheduler = WithSlots(2);
  EXPECT_THAT(scheduler.Submit({"a", 2, 1}, kStart), ElementsAre(Action(StartAction{"a", 1, 0})));
  EXPECT_THAT(scheduler.Submit({"b", 2, 2}, kStart), ElementsAre(Action(StartAction{"b", 1, 1})));
  EXPECT_THAT(scheduler.Submit({"c", 2, 3}, kStart), IsEmpty());
  EXPECT_EQ(scheduler.Ahead("c"), 0);
  EXPECT_EQ(scheduler.Ahead("a"), -1);
}

TEST(SchedulerTest, AFreedSlotGoesToTheHighestPriorityThenTheOldest) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"running", 2, 1}, kStart);
  (void)scheduler.Submit({"low", 3, 2}, kStart);
  (void)scheduler.Submit({"second", 1, 4}, kStart);
  (void)scheduler.Submit({"first", 1, 3}, kStart);
  EXPECT_EQ(scheduler.Ahead("low"), 2);
  auto actions = scheduler.Exited("running", 1, {Kind::kDone, "", ""}, kStart);
  EXPECT_THAT(actions, ElementsAre(Action(FinishAction{"running", 1, TaskState::kDone, "", ""}), Action(StartAction{"first", 1, 0})));
}

TEST(SchedulerTest, ALostWorkerIsTriedAgainAfterABackoffAndTheThirdLossFails) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"a", 2, 1}, kStart);
  auto actions = scheduler.Exited("a", 1, kLost, kStart);
  EXPECT_THAT(actions, ElementsAre(Action(RequeueAction{"a", 1, true, "signal 9; attempt 2 of 3 follows"})));
  EXPECT_EQ(scheduler.next_tick(), kStart + milliseconds(500));
  EXPECT_THAT(scheduler.Tick(kStart + milliseconds(499)), IsEmpty());
  EXPECT_THAT(scheduler.Tick(kStart + milliseconds(500)), ElementsAre(Action(StartAction{"a", 2, 0})));
  (void)scheduler.Exited("a", 2, kLost, kStart);
  EXPECT_EQ(scheduler.next_tick(), kStart + milliseconds(1000));
  (void)scheduler.Tick(kStart + milliseconds(1000));
  EXPECT_THAT(scheduler.Exited("a", 3, kLost, kStart),
              ElementsAre(Action(FinishAction{"a", 3, TaskState::kFailed, "WORKER_LOST", "signal 9; given up after 3 attempts"})));
  EXPECT_EQ(scheduler.free_slots(), 1);
}

TEST(SchedulerTest, AUsersErrorFailsAtOnce) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"a", 2, 1}, kStart);
  EXPECT_THAT(scheduler.Exited("a", 1, {Kind::kFailed, "BAD_DATA", "why"}, kStart),
              ElementsAre(Action(FinishAction{"a", 1, TaskState::kFailed, "BAD_DATA", "why"})));
}

TEST(SchedulerTest, ACancelledTasksSlotStaysBusyUntilItsWorkerHasEnded) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"a", 2, 1}, kStart);
  (void)scheduler.Submit({"b", 2, 2}, kStart);
  EXPECT_THAT(scheduler.Cancel("a", kStart), ElementsAre(Action(FinishAction{"a", 1, TaskState::kCancelled, "CANCELLED", "cancelled on request"}),
                                                         Action(StopAction{"a", 1})));
  EXPECT_THAT(scheduler.Tick(kStart), IsEmpty());
  EXPECT_THAT(scheduler.Exited("a", 1, kLost, kStart), ElementsAre(Action(StartAction{"b", 1, 0})));
  EXPECT_THAT(scheduler.Cancel("a", kStart), IsEmpty());
}

TEST(SchedulerTest, ATaskThatBacksOffCanBeCancelled) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"a", 2, 1}, kStart);
  (void)scheduler.Exited("a", 1, kLost, kStart);
  EXPECT_EQ(scheduler.Cancel("a", kStart).size(), 1u);
  EXPECT_EQ(scheduler.next_tick(), std::nullopt);
  EXPECT_THAT(scheduler.Tick(kStart + std::chrono::hours(1)), IsEmpty());
}

TEST(SchedulerTest, AdoptedWorkersKeepTheirSlots) {
  Scheduler scheduler = WithSlots(2);
  scheduler.Adopt({"a", 2, 1, 1, 0}, 1);
  scheduler.Adopt({"outside", 2, 2, 1, 0}, 7);  // the service had more slots then
  EXPECT_THAT(scheduler.Submit({"b", 2, 3}, kStart), ElementsAre(Action(StartAction{"b", 1, 0})));
  EXPECT_THAT(scheduler.Submit({"c", 2, 4}, kStart), IsEmpty());
  EXPECT_EQ(scheduler.Exited("outside", 1, {Kind::kDone, "", ""}, kStart).size(), 1u);
  EXPECT_EQ(scheduler.Exited("a", 1, {Kind::kDone, "", ""}, kStart).size(), 2u);
}

TEST(SchedulerTest, StopAllPutsTasksBackWithoutAMark) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit({"a", 2, 1}, kStart);
  EXPECT_THAT(scheduler.StopAll(), ElementsAre(Action(StopAction{"a", 1})));
  EXPECT_THAT(scheduler.Exited("a", 1, kLost, kStart), ElementsAre(Action(RequeueAction{"a", 1, false, "the service was stopped"})));
  EXPECT_EQ(scheduler.running(), 0);
}

TEST(SchedulerTest, WhileDrainingNothingStarts) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.SetDispatching(false, kStart);
  EXPECT_THAT(scheduler.Submit({"a", 2, 1}, kStart), IsEmpty());
  EXPECT_THAT(scheduler.SetDispatching(true, kStart), ElementsAre(Action(StartAction{"a", 1, 0})));
}

}  // namespace
}  // namespace ns
