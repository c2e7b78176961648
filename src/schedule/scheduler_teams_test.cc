// Tasks that asked for several workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schedule/scheduler.h"

namespace ns {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Kind = AttemptEnd::Kind;
using std::chrono::milliseconds;

const SteadyTime kStart;
const AttemptEnd kLost{Kind::kLost, "WORKER_LOST", "signal 9"};
const AttemptEnd kDone{Kind::kDone, "", ""};

PendingTask Task(const std::string& id, int priority, int64_t order, int workers = 1, const std::string& submitter = "") {
  PendingTask task;
  task.id = id;
  task.priority = priority;
  task.order = order;
  task.submitter = submitter;
  task.workers = workers;
  task.submitted = kStart;
  return task;
}

class TeamsTest : public testing::Test {
 protected:
  // One node, 0, with slots 0, 1, ...
  void Make(int slots) {
    Scheduler::Options options;
    options.max_workers_per_task = 8;
    scheduler_.emplace(options);
    (void)scheduler_->AddNode(0, slots, kStart);
  }
  std::vector<Action> Submit(const PendingTask& task) { return scheduler_->Submit(task, kStart); }
  std::vector<Action> Ended(const WorkerId& assistant, AssistantEnd end = AssistantEnd::kLost, SteadyTime now = kStart) {
    return scheduler_->AssistantExited(assistant, end, now);
  }
  static Action Assist(const WorkerId& worker, int slot) { return AssistAction{worker, slot}; }
  static Action Release(const WorkerId& worker) { return ReleaseAction{worker}; }

  std::optional<Scheduler> scheduler_;
};

TEST_F(TeamsTest, ATaskStartsOnItsFirstSlotAndGrowsAsSlotsFree) {
  Make(2);
  (void)Submit(Task("other", 2, 1));
  EXPECT_THAT(Submit(Task("big", 2, 2, 5)), ElementsAre(Action(StartAction{"big", 1, 1})));
  EXPECT_EQ(scheduler_->Exited("other", 1, kDone, kStart).back(), Assist({"big", 1, 1}, 0));
  EXPECT_THAT(scheduler_->AddNode(1, 4, kStart),
              ElementsAre(Assist({"big", 2, 2}, 4096), Assist({"big", 3, 3}, 4097), Assist({"big", 4, 4}, 4098)));
  auto workers = scheduler_->Workers("big").value();
  EXPECT_EQ(workers.now, 5);
  EXPECT_EQ(workers.why, "");
  EXPECT_EQ(scheduler_->running(), 5);
}

TEST_F(TeamsTest, MoreWorkersThanSlotsAreCappedAndItSaysSo) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 10'000));
  auto workers = scheduler_->Workers("big").value();
  EXPECT_EQ(workers.asked, 10'000);
  EXPECT_EQ(workers.most, 2);
  EXPECT_EQ(workers.why, "the cluster has 2 slots");
}

TEST_F(TeamsTest, AScriptRunsAlone) {
  Make(3);
  PendingTask script = Task("script", 2, 1, 3);
  script.alone = true;
  EXPECT_THAT(Submit(script), SizeIs(1));
  EXPECT_EQ(scheduler_->Workers("script")->most, 1);
  EXPECT_EQ(scheduler_->Workers("script")->why, "a script runs on one worker");
}

TEST_F(TeamsTest, AnAssistantIsReleasedForATaskThatWaits) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 2));
  EXPECT_THAT(Submit(Task("low", 3, 2)), IsEmpty()) << "growth of a better class comes first";
  EXPECT_THAT(Submit(Task("new", 2, 3)), ElementsAre(Release({"big", 1, 1})));
  EXPECT_THAT(Ended({"big", 1, 1}), ElementsAre(Action(StartAction{"new", 1, 1})));
  EXPECT_EQ(scheduler_->Exited("new", 1, kDone, kStart).back(), Assist({"big", 1, 2}, 1));
}

TEST_F(TeamsTest, ALostLeadsAssistantsStayForTheNext) {
  Make(3);
  (void)Submit(Task("big", 2, 1, 3));
  EXPECT_THAT(scheduler_->Exited("big", 1, kLost, kStart), ElementsAre(Action(RequeueAction{"big", 1, true, "signal 9; attempt 2 of 3 follows"})));
  EXPECT_EQ(scheduler_->busy_slots(), 2);
  SteadyTime again = scheduler_->next_tick().value();
  EXPECT_THAT(scheduler_->Tick(again), ElementsAre(Action(StartAction{"big", 2, 0})));
  EXPECT_EQ(scheduler_->Workers("big")->now, 3);
  EXPECT_THAT(scheduler_->Exited("big", 2, kDone, again),
              ElementsAre(Action(FinishAction{"big", 2, TaskState::kDone, "", ""}), Release({"big", 1, 1}), Release({"big", 2, 2})));
}

TEST_F(TeamsTest, AssistantsDoNotWaitForALeadForEver) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 2));
  (void)scheduler_->SetDispatching(Dispatching::kPaused, kStart);
  (void)scheduler_->Exited("big", 1, kLost, kStart);
  SteadyTime backoff = scheduler_->next_tick().value();
  EXPECT_THAT(scheduler_->Tick(backoff), IsEmpty());
  EXPECT_EQ(scheduler_->next_tick(), backoff + milliseconds(10'000));
  EXPECT_THAT(scheduler_->Tick(backoff + milliseconds(10'000)), ElementsAre(Release({"big", 1, 1})));
}

TEST_F(TeamsTest, ALeadThatWaitsForASlotGetsItsAssistants) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 2));
  (void)Submit(Task("low", 3, 2));
  EXPECT_EQ(scheduler_->Exited("big", 1, kLost, kStart).back(), Action(StartAction{"low", 1, 0}));
  SteadyTime again = scheduler_->next_tick().value();
  EXPECT_THAT(scheduler_->Tick(again), ElementsAre(Release({"big", 1, 1})));
  EXPECT_THAT(Ended({"big", 1, 1}, AssistantEnd::kLost, again), ElementsAre(Action(StartAction{"big", 2, 1})));
}

TEST_F(TeamsTest, ALostAssistantIsStartedAgainAfterARandomWaitAndNotAfterItsThirdLoss) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 2));
  SteadyTime now = kStart;
  for (int loss = 1; loss <= 2; ++loss) {
    EXPECT_THAT(Ended({"big", 1, loss}, AssistantEnd::kLost, now), IsEmpty());
    SteadyTime next = scheduler_->next_tick().value();
    EXPECT_GE(next, now + milliseconds(250));
    EXPECT_LE(next, now + milliseconds(1000));
    EXPECT_THAT(scheduler_->Tick(next), ElementsAre(Assist({"big", 1, loss + 1}, 1)));
    now = next;
  }
  EXPECT_THAT(Ended({"big", 1, 3}, AssistantEnd::kLost, now), IsEmpty());
  EXPECT_FALSE(scheduler_->next_tick());
  EXPECT_EQ(scheduler_->Workers("big")->why, "1 of its workers was lost 3 times");
  EXPECT_EQ(scheduler_->Exited("big", 1, kDone, now).size(), 1u);
}

TEST_F(TeamsTest, OneThatItsLeadSentAwayIsNoLoss) {
  Make(2);
  (void)Submit(Task("big", 2, 1, 2));
  EXPECT_THAT(Ended({"big", 1, 1}, AssistantEnd::kSentAway), IsEmpty());
  EXPECT_THAT(scheduler_->Tick(kStart + milliseconds(10'000)), ElementsAre(Assist({"big", 1, 2}, 1)));
}

TEST_F(TeamsTest, SurplusIsGivenBackAndTheStatusSaysSo) {
  Make(4);
  (void)Submit(Task("big", 2, 1, 3));
  EXPECT_THAT(scheduler_->Useful("big", 1, 1, kStart), ElementsAre(Release({"big", 2, 2}), Release({"big", 1, 1})));
  (void)Submit(Task("other", 2, 2, 3));
  EXPECT_EQ(scheduler_->Workers("big")->useful, 1);
  EXPECT_EQ(scheduler_->Workers("big")->why, "it has work for 1 now, and leaves the other slots to other tasks");
  EXPECT_EQ(Ended({"big", 1, 1}), (std::vector<Action>{Assist({"other", 1, 1}, 1)}));
  (void)Ended({"big", 2, 2});
  EXPECT_THAT(scheduler_->Useful("big", 2, 3, kStart), IsEmpty()) << "no attempt of it";
}

TEST_F(TeamsTest, AssistantsMoveToATaskWithFewer) {
  Make(6);
  (void)Submit(Task("first", 2, 1, 6, "ann"));
  EXPECT_THAT(Submit(Task("second", 2, 2, 6, "bob")), ElementsAre(Release({"first", 5, 5})));
  EXPECT_EQ(Ended({"first", 5, 5}).front(), Action(StartAction{"second", 1, 5}));
  // 5 to 1, 4 to 2, 3 to 3.
  EXPECT_THAT(Ended({"first", 4, 4}), ElementsAre(Assist({"second", 1, 1}, 4), Release({"first", 3, 3})));
  EXPECT_THAT(Ended({"first", 3, 3}), ElementsAre(Assist({"second", 2, 2}, 3)));
  EXPECT_EQ(scheduler_->Workers("first")->now, 3);
  EXPECT_EQ(scheduler_->Workers("second")->now, 3);
}

TEST_F(TeamsTest, CancelEndsAllWorkersAndTheDeadlineToo) {
  Make(3);
  (void)Submit(Task("big", 2, 1, 3));
  EXPECT_THAT(scheduler_->Cancel("big", kStart),
              ElementsAre(Action(FinishAction{"big", 1, TaskState::kCancelled, "CANCELLED", "cancelled on request"}), Action(StopAction{"big", 1}),
                          Release({"big", 1, 1}), Release({"big", 2, 2})));
  Make(3);
  PendingTask late = Task("late", 2, 1, 2);
  late.deadline = kStart + milliseconds(100);
  (void)Submit(late);
  EXPECT_THAT(scheduler_->Tick(kStart + milliseconds(30'100)), ElementsAre(Action(StopAction{"late", 1}), Release({"late", 1, 1})));
}

TEST_F(TeamsTest, ANodeThatLeavesGetsItsAssistantsElsewhere) {
  Make(1);
  (void)Submit(Task("big", 2, 1, 2));
  EXPECT_THAT(scheduler_->AddNode(1, 1, kStart), ElementsAre(Assist({"big", 1, 1}, 4096)));
  EXPECT_THAT(scheduler_->RemoveNode(1, kStart), ElementsAre(Release({"big", 1, 1})));
  (void)scheduler_->AddNode(2, 1, kStart);
  EXPECT_THAT(Ended({"big", 1, 1}), ElementsAre(Assist({"big", 1, 2}, 8192)));
  EXPECT_FALSE(scheduler_->UseOf(1));
}

TEST_F(TeamsTest, NothingStartsOnANodeThatIsDownUntilItIsBack) {
  Make(1);
  (void)scheduler_->AddNode(1, 2, kStart);
  (void)Submit(Task("a", 2, 1));
  EXPECT_THAT(scheduler_->SetNodeUp(1, false, kStart), IsEmpty());
  EXPECT_EQ(scheduler_->total_slots(), 1);
  EXPECT_THAT(Submit(Task("b", 2, 2)), IsEmpty());
  EXPECT_THAT(scheduler_->SetNodeUp(1, true, kStart), ElementsAre(Action(StartAction{"b", 1, 4096})));
}

TEST_F(TeamsTest, AdoptedAssistantsAreTheTasksAgainAndFencesGoOn) {
  Make(3);
  PendingTask task = Task("big", 2, 1, 3);
  task.attempt = 1;
  task.assistants = 7;
  EXPECT_THAT(scheduler_->TakeUp(true, kStart), IsEmpty());
  scheduler_->Adopt(task, 0);
  EXPECT_TRUE(scheduler_->Hold({"big", 2, 6}, 1));
  EXPECT_FALSE(scheduler_->Hold({"ended", 1, 1}, 2));
  EXPECT_THAT(scheduler_->TakeUp(false, kStart), IsEmpty());
  EXPECT_THAT(Ended({"ended", 1, 1}), ElementsAre(Assist({"big", 1, 8}, 2)));
  EXPECT_THAT(scheduler_->StopAll(), ElementsAre(Action(StopAction{"big", 1}), Release({"big", 2, 6}), Release({"big", 1, 8})));
  EXPECT_EQ(scheduler_->running(), 3);
}

}  // namespace
}  // namespace ns
