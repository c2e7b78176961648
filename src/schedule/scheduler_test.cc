#include "schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace ns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = AttemptEnd::Kind;
using std::chrono::milliseconds;

const SteadyTime kStart;
const AttemptEnd kLost{Kind::kLost, "WORKER_LOST", "signal 9"};

PendingTask Task(const std::string& id, int priority, int64_t order, const std::string& submitter = "", int workers = 1) {
  PendingTask task;
  task.id = id;
  task.priority = priority;
  task.order = order;
  task.submitter = submitter;
  task.workers = workers;
  task.submitted = kStart;
  return task;
}

// One node, 0, with slots 0, 1, ...
Scheduler WithSlots(int slots) {
  Scheduler scheduler({});
  (void)scheduler.AddNode(0, slots, kStart);
  return scheduler;
}

TEST(SchedulerTest, ATaskStartsTheMomentItIsSubmitted) {
  Scheduler scheduler = WithSlots(2);
  EXPECT_THAT(scheduler.Submit(Task("a", 2, 1), kStart), ElementsAre(Action(StartAction{"a", 1, 0})));
  EXPECT_THAT(scheduler.Submit(Task("b", 2, 2), kStart), ElementsAre(Action(StartAction{"b", 1, 1})));
  EXPECT_THAT(scheduler.Submit(Task("c", 2, 3), kStart), IsEmpty());
  EXPECT_EQ(scheduler.WhyWaits("c", kStart)->ahead, 0);
  EXPECT_EQ(scheduler.WhyWaits("c", kStart)->reason, "WAITS_FOR_SLOT");
  EXPECT_FALSE(scheduler.WhyWaits("a", kStart));
}

TEST(SchedulerTest, AFreedSlotGoesToTheHighestPriorityThenTheOldest) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("running", 2, 1), kStart);
  (void)scheduler.Submit(Task("low", 3, 2), kStart);
  (void)scheduler.Submit(Task("second", 1, 4), kStart);
  (void)scheduler.Submit(Task("first", 1, 3), kStart);
  EXPECT_EQ(scheduler.WhyWaits("low", kStart)->ahead, 2);
  auto actions = scheduler.Exited("running", 1, {Kind::kDone, "", ""}, kStart);
  EXPECT_THAT(actions, ElementsAre(Action(FinishAction{"running", 1, TaskState::kDone, "", ""}), Action(StartAction{"first", 1, 0})));
}

TEST(SchedulerTest, WhileAllNodesAreDownATaskSaysThatNoneCanBeUsed) {
  Scheduler scheduler({});
  (void)scheduler.AddNode(1, 1, kStart);
  (void)scheduler.SetNodeUp(1, false, kStart);
  EXPECT_THAT(scheduler.SetNodeUp(1, false, kStart), IsEmpty());
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  EXPECT_EQ(scheduler.WhyWaits("a", kStart)->reason, "NO_NODES");
  EXPECT_THAT(scheduler.WhyWaits("a", kStart)->message, testing::HasSubstr("can be used now"));
  EXPECT_THAT(scheduler.RemoveNode(1, kStart), IsEmpty());
  EXPECT_EQ(scheduler.WhyWaits("a", kStart)->message, "the cluster has no node");
  EXPECT_THAT(scheduler.SetNodeUp(1, true, kStart), IsEmpty()) << "it has left";
}

// The first wait is 250 to 500 ms, the second 500 to 1000.
TEST(SchedulerTest, ALostWorkerIsTriedAgainAfterARandomWaitAndTheThirdLossFails) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  auto actions = scheduler.Exited("a", 1, kLost, kStart);
  EXPECT_THAT(actions, ElementsAre(Action(RequeueAction{"a", 1, true, "signal 9; attempt 2 of 3 follows"})));
  SteadyTime first = scheduler.next_tick().value();
  EXPECT_GE(first, kStart + milliseconds(250));
  EXPECT_LE(first, kStart + milliseconds(500));
  EXPECT_EQ(scheduler.WhyWaits("a", kStart)->reason, "BACKING_OFF");
  EXPECT_THAT(scheduler.Tick(first - milliseconds(1)), IsEmpty());
  EXPECT_THAT(scheduler.Tick(first), ElementsAre(Action(StartAction{"a", 2, 0})));
  (void)scheduler.Exited("a", 2, kLost, first);
  SteadyTime second = scheduler.next_tick().value();
  EXPECT_GE(second, first + milliseconds(500));
  EXPECT_LE(second, first + milliseconds(1000));
  (void)scheduler.Tick(second);
  EXPECT_THAT(scheduler.Exited("a", 3, kLost, second),
              ElementsAre(Action(FinishAction{"a", 3, TaskState::kFailed, "WORKER_LOST", "signal 9; given up after 3 attempts"})));
  EXPECT_EQ(scheduler.free_slots(), 1);
}

TEST(SchedulerTest, AnAttemptThatWasNeverStartedDoesNotCountAgainstItsTask) {
  Scheduler scheduler = WithSlots(1);
  PendingTask task = Task("a", 2, 1);
  task.attempt = 3;
  task.lost = 2;
  scheduler.Adopt(task, 0);
  EXPECT_THAT(scheduler.Exited("a", 3, {Kind::kNotStarted, "", ""}, kStart),
              ElementsAre(Action(RequeueAction{"a", 3, false, "the service ended before it started a worker"}), Action(StartAction{"a", 4, 0})));
}

TEST(SchedulerTest, AUsersErrorFailsAtOnce) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  EXPECT_THAT(scheduler.Exited("a", 1, {Kind::kFailed, "BAD_DATA", "why"}, kStart),
              ElementsAre(Action(FinishAction{"a", 1, TaskState::kFailed, "BAD_DATA", "why"})));
}

TEST(SchedulerTest, ACancelledTasksSlotStaysBusyUntilItsWorkerHasEnded) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  (void)scheduler.Submit(Task("b", 2, 2), kStart);
  EXPECT_THAT(scheduler.Cancel("a", kStart), ElementsAre(Action(FinishAction{"a", 1, TaskState::kCancelled, "CANCELLED", "cancelled on request"}),
                                                         Action(StopAction{"a", 1})));
  EXPECT_THAT(scheduler.Tick(kStart), IsEmpty());
  EXPECT_THAT(scheduler.Exited("a", 1, kLost, kStart), ElementsAre(Action(StartAction{"b", 1, 0})));
  EXPECT_THAT(scheduler.Cancel("a", kStart), IsEmpty());
}

TEST(SchedulerTest, ATaskThatBacksOffCanBeCancelled) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  (void)scheduler.Exited("a", 1, kLost, kStart);
  EXPECT_EQ(scheduler.Cancel("a", kStart).size(), 1u);
  EXPECT_EQ(scheduler.next_tick(), std::nullopt);
  EXPECT_THAT(scheduler.Tick(kStart + std::chrono::hours(1)), IsEmpty());
}

TEST(SchedulerTest, AdoptedWorkersKeepTheirSlots) {
  Scheduler scheduler = WithSlots(2);
  PendingTask a = Task("a", 2, 1), outside = Task("outside", 2, 2);
  a.attempt = outside.attempt = 1;
  scheduler.Adopt(a, 1);
  scheduler.Adopt(outside, 7);  // the service had more slots then
  EXPECT_THAT(scheduler.Submit(Task("b", 2, 3), kStart), ElementsAre(Action(StartAction{"b", 1, 0})));
  EXPECT_THAT(scheduler.Submit(Task("c", 2, 4), kStart), IsEmpty());
  EXPECT_EQ(scheduler.Exited("outside", 1, {Kind::kDone, "", ""}, kStart).size(), 1u);
  EXPECT_EQ(scheduler.Exited("a", 1, {Kind::kDone, "", ""}, kStart).size(), 2u);
}

TEST(SchedulerTest, StopAllPutsTasksBackWithoutAMark) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  EXPECT_THAT(scheduler.StopAll(), ElementsAre(Action(StopAction{"a", 1})));
  EXPECT_THAT(scheduler.Exited("a", 1, kLost, kStart), ElementsAre(Action(RequeueAction{"a", 1, false, "the service was stopped"})));
  EXPECT_EQ(scheduler.running(), 0);
}

TEST(SchedulerTest, WhatOutlastsADrainIsPutBackAsStoppedByIt) {
  Scheduler scheduler = WithSlots(2);
  (void)scheduler.Submit(Task("a", 2, 1), kStart);
  (void)scheduler.Submit(Task("b", 2, 2), kStart);
  (void)scheduler.SetDispatching(Dispatching::kDraining, kStart);
  EXPECT_THAT(scheduler.Exited("a", 1, {Kind::kDone, "", ""}, kStart), ElementsAre(Action(FinishAction{"a", 1, TaskState::kDone, "", ""})));
  EXPECT_THAT(scheduler.StopAll(), ElementsAre(Action(StopAction{"b", 1})));
  EXPECT_THAT(scheduler.Exited("b", 1, kLost, kStart), ElementsAre(Action(RequeueAction{"b", 1, false, "stopped by drain"})));
}

TEST(SchedulerTest, WhilePausedOrDrainingNothingStarts) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.SetDispatching(Dispatching::kPaused, kStart);
  EXPECT_THAT(scheduler.Submit(Task("a", 2, 1), kStart), IsEmpty());
  EXPECT_EQ(scheduler.WhyWaits("a", kStart)->reason, "PAUSED");
  EXPECT_THAT(scheduler.SetDispatching(Dispatching::kOn, kStart), ElementsAre(Action(StartAction{"a", 1, 0})));
  (void)scheduler.SetDispatching(Dispatching::kDraining, kStart);
  (void)scheduler.Exited("a", 1, {Kind::kDone, "", ""}, kStart);
  EXPECT_THAT(scheduler.Submit(Task("b", 2, 2), kStart), IsEmpty());
  EXPECT_EQ(scheduler.WhyWaits("b", kStart)->reason, "DRAINING");
  EXPECT_THAT(scheduler.SetDispatching(Dispatching::kOn, kStart), IsEmpty());
}

TEST(SchedulerTest, ASlotThatTwoHoldAfterARestartIsFreeWhenBothHaveEnded) {
  Scheduler scheduler = WithSlots(1);
  EXPECT_FALSE(scheduler.Hold({"ended", 0, 1}, 0));
  PendingTask next = Task("next", 2, 1);
  next.attempt = 1;
  scheduler.Adopt(next, 0);
  EXPECT_THAT(scheduler.Submit(Task("b", 2, 2), kStart), IsEmpty());
  EXPECT_THAT(scheduler.Exited("ended", 1, kLost, kStart), IsEmpty());
  EXPECT_EQ(scheduler.Exited("next", 1, {Kind::kDone, "", ""}, kStart).back(), Action(StartAction{"b", 1, 0}));
}

TEST(SchedulerTest, ASubmitterWithFewerSlotsGoesFirst) {
  Scheduler scheduler = WithSlots(2);
  (void)scheduler.Submit(Task("ann1", 2, 1, "ann"), kStart);
  (void)scheduler.Submit(Task("ann2", 2, 2, "ann"), kStart);
  (void)scheduler.Submit(Task("ann3", 2, 3, "ann"), kStart);
  (void)scheduler.Submit(Task("bob1", 2, 4, "bob"), kStart);
  (void)scheduler.Submit(Task("bob2", 2, 5, "bob"), kStart);
  EXPECT_EQ(scheduler.Exited("ann1", 1, {Kind::kDone, "", ""}, kStart).back(), Action(StartAction{"bob1", 1, 0}));
  EXPECT_EQ(scheduler.Exited("ann2", 1, {Kind::kDone, "", ""}, kStart).back(), Action(StartAction{"ann3", 1, 1}));
}

TEST(SchedulerTest, OnOneSlotSubmittersTakeTurns) {
  Scheduler scheduler = WithSlots(1);
  for (int i = 1; i <= 4; ++i) (void)scheduler.Submit(Task("ann" + std::to_string(i), 2, i, "ann"), kStart);
  for (int i = 1; i <= 2; ++i) (void)scheduler.Submit(Task("bob" + std::to_string(i), 2, 4 + i, "bob"), kStart);
  std::vector<std::string> order = {"ann1"};
  while (scheduler.pending() > 0) {
    auto actions = scheduler.Exited(order.back(), 1, {Kind::kDone, "", ""}, kStart);
    order.push_back(std::get<StartAction>(actions.back()).id);
  }
  EXPECT_THAT(order, ElementsAre("ann1", "bob1", "ann2", "bob2", "ann3", "ann4"));
}

TEST(SchedulerTest, AWaitingTaskRisesAClassWithEachAgeStep) {
  Scheduler::Options options;
  options.queue.age_step = std::chrono::minutes(10);
  Scheduler scheduler(options);
  (void)scheduler.AddNode(0, 1, kStart);
  (void)scheduler.Submit(Task("running", 1, 1), kStart);
  (void)scheduler.Submit(Task("old", 3, 2), kStart);
  SteadyTime later = kStart + std::chrono::minutes(20);
  PendingTask young = Task("young", 1, 3);
  young.submitted = later - milliseconds(1);
  (void)scheduler.Submit(young, later - milliseconds(1));
  EXPECT_EQ(scheduler.WhyWaits("old", later)->ahead, 1);
  EXPECT_EQ(scheduler.Exited("running", 1, {Kind::kDone, "", ""}, later).back(), Action(StartAction{"old", 1, 0}));
}

TEST(SchedulerTest, ASubmitterAtItsLimitWaitsAndSaysSo) {
  Scheduler::Options options;
  options.queue.max_running = 1;
  Scheduler scheduler(options);
  (void)scheduler.AddNode(0, 2, kStart);
  (void)scheduler.Submit(Task("a1", 2, 1, "ann"), kStart);
  EXPECT_THAT(scheduler.Submit(Task("a2", 2, 2, "ann"), kStart), IsEmpty());
  EXPECT_EQ(scheduler.WhyWaits("a2", kStart)->reason, "SUBMITTER_LIMIT");
  EXPECT_THAT(scheduler.Submit(Task("b1", 2, 3, "bob"), kStart), ElementsAre(Action(StartAction{"b1", 1, 1})));
  EXPECT_EQ(scheduler.Exited("a1", 1, {Kind::kDone, "", ""}, kStart).back(), Action(StartAction{"a2", 1, 0}));
}

TEST(SchedulerTest, ATaskThatWaitsPastItsDeadlineFails) {
  Scheduler scheduler = WithSlots(1);
  (void)scheduler.Submit(Task("running", 2, 1), kStart);
  PendingTask task = Task("a", 2, 2);
  task.deadline = kStart + milliseconds(100);
  (void)scheduler.Submit(task, kStart);
  EXPECT_EQ(scheduler.next_tick(), kStart + milliseconds(100));
  EXPECT_THAT(scheduler.Tick(kStart + milliseconds(100)),
              ElementsAre(Action(FinishAction{"a", 0, TaskState::kFailed, "DEADLINE", "its deadline passed while it waited"})));
}

TEST(SchedulerTest, ARunningTaskIsStoppedAGraceAfterItsDeadlineAndMayStillSucceed) {
  Scheduler scheduler = WithSlots(2);
  for (const char* id : {"a", "b"}) {
    PendingTask task = Task(id, 2, id[0]);
    task.deadline = kStart + milliseconds(100);
    (void)scheduler.Submit(task, kStart);
  }
  SteadyTime end = kStart + milliseconds(30'100);
  EXPECT_THAT(scheduler.Tick(end - milliseconds(1)), IsEmpty());
  EXPECT_EQ(scheduler.Tick(end).size(), 2u);
  EXPECT_EQ(scheduler.Exited("a", 1, {Kind::kDone, "", ""}, end).front(), Action(FinishAction{"a", 1, TaskState::kDone, "", ""}));
  EXPECT_EQ(scheduler.Exited("b", 1, kLost, end).front(),
            Action(FinishAction{"b", 1, TaskState::kFailed, "DEADLINE", "its deadline passed before it had a result"}));
}

// Against the rule itself, one task after the other: 20 submitters, 2,000 tasks.
TEST(SchedulerTest, AheadIsNeverTooFewAndExactForOneSubmitter) {
  std::mt19937 random(7);
  for (int submitters : {1, 20}) {
    Scheduler scheduler = WithSlots(4);
    (void)scheduler.SetDispatching(Dispatching::kPaused, kStart);
    std::vector<std::string> waiting;
    for (int i = 1; i <= 2'000; ++i) {
      std::string id = std::to_string(i);
      (void)scheduler.Submit(Task(id, 1 + static_cast<int>(random() % 3), i, std::to_string(random() % static_cast<uint32_t>(submitters))), kStart);
      waiting.push_back(id);
    }
    std::map<std::string, int64_t> said;
    for (const std::string& id : waiting) said[id] = scheduler.WhyWaits(id, kStart)->ahead;
    (void)scheduler.AddNode(1, 2'000, kStart);
    int64_t started = 0;
    std::vector<Action> actions = scheduler.SetDispatching(Dispatching::kOn, kStart);
    for (const Action& action : actions) {
      int64_t ahead = said[std::get<StartAction>(action).id];
      EXPECT_GE(ahead, started);
      EXPECT_LE(ahead, started + submitters - 1);
      ++started;
    }
    EXPECT_EQ(started, 2'000);
  }
}

}  // namespace
}  // namespace ns
