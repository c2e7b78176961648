#include "tune/tuning_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tune/testing/fake_model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TuningSession Make(const TuningSession::Options& options) { return TuningSession::Create(options).value(); }

TEST(TuningSessionTest, NamesAStrategyThatItDoesNotKnow) {
  TuningSession::Options options = FakeOptions(2);
  options.strategy = "guess";
  EXPECT_EQ(TuningSession::Create(options).status().reason(), "UNKNOWN_STRATEGY");
}

TEST(TuningSessionTest, TheFirstThatHoldsLeadsUntilTimingSaysWhichIsBest) {
  TuningSession session = Make(FakeOptions(4));
  EXPECT_EQ(session.leader(), std::nullopt);
  auto evaluation = session.Next({}, 1);
  EXPECT_EQ(evaluation.at(0).trial, 1);
  session.Observe(evaluation[0].id, FakeModel().Do(session.history(), evaluation[0].item));
  EXPECT_EQ(session.leader(), 1);
  EXPECT_EQ(session.best(), std::nullopt);
  auto timing = session.Next({}, 1);
  session.Observe(timing.at(0).id, FakeModel().Do(session.history(), timing[0].item));
  EXPECT_EQ(session.best(), 1);
}

// What comes of `loss` in the first evaluation, and of the timings after it.
TuningSession AfterOneEvaluation(const FakeModel& model) {
  TuningSession session = Make(FakeOptions(4));
  auto evaluation = session.Next({}, 1);
  session.Observe(evaluation.at(0).id, model.Do(session.history(), evaluation[0].item));
  return session;
}

void Time(TuningSession& session, const FakeModel& model) {
  auto timing = session.Next({}, 1);
  ASSERT_TRUE(std::holds_alternative<TimeItem>(timing.at(0).item));
  session.Observe(timing[0].id, model.Do(session.history(), timing[0].item));
}

TEST(TuningSessionTest, AStopHandsOutWhatHoldsThoughItIsNotTimed) {
  EXPECT_EQ(Make(FakeOptions(4)).best_so_far(), std::nullopt) << "nothing was evaluated";
  TuningSession session = AfterOneEvaluation({});
  EXPECT_EQ(session.best(), std::nullopt);
  EXPECT_EQ(session.best_so_far(), 1);
  Time(session, {});
  EXPECT_EQ(session.best_so_far(), 1);
}

TEST(TuningSessionTest, AStopHandsOutFp32WhereWhatHoldsIsSlower) {
  FakeModel slow{.full_speedup = 0.5};
  TuningSession session = AfterOneEvaluation(slow);
  EXPECT_EQ(session.best_so_far(), 1) << "not known yet";
  Time(session, slow);
  EXPECT_EQ(session.best_so_far(), std::nullopt);
}

TEST(TuningSessionTest, AStopHandsOutTheClosestWhereNoneHolds) {
  FakeModel lossy{.harms = {{"op1", 0.2}}};
  TuningSession session = AfterOneEvaluation(lossy);
  EXPECT_EQ(session.best_so_far(), 1);
  EXPECT_FALSE(session.history().trial(1).accepted);
}

TEST(TuningSessionTest, NothingIsBegunThatIsNotExpectedToEndInTime) {
  TuningSession::Options options = FakeOptions(64, false);
  options.stop.timeout_seconds = 10;
  TuningSession session = Make(options);
  EXPECT_TRUE(session.Next({.elapsed_seconds = 8, .evaluation_seconds = 3}, 1).empty());
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, std::nullopt);
  EXPECT_THAT(answer.reason, HasSubstr("the 10 s allowed leave no time for another evaluation"));
}

TEST(TuningSessionTest, WhatHoldsIsStillTimedWhenTheBudgetIsUsedUp) {
  TuningSession::Options options = FakeOptions(4);
  options.stop.max_trials = 1;
  TuningSession session = Make(options);
  Played played = Play(session, {});
  EXPECT_THAT(played.labels, ElementsAre("static"));
  EXPECT_EQ(session.answer().trial, 1);
  EXPECT_THAT(session.answer().reason, HasSubstr("the 1 trial allowed is used up"));
}

TEST(TuningSessionTest, StopAtGoalEndsWithTheFirstThatIsGoodEnough) {
  TuningSession::Options options = FakeOptions(4);
  options.stop_at_goal = true;
  TuningSession session = Make(options);
  Play(session, {});
  EXPECT_THAT(session.answer().reason, HasSubstr("the goal is met and no more was asked for"));
}

TEST(TuningSessionTest, AnAnswerIsThereBeforeAnythingWasTried) {
  TuningSession session = Make(FakeOptions(4));
  EXPECT_EQ(session.answer().trial, std::nullopt);
  EXPECT_TRUE(session.answer().goal_met);
}

TEST(TuningSessionTest, AModelThatCannotBeMadeIsTold) {
  TuningSession session = Make(FakeOptions(4, false));
  auto work = session.Next({}, 1);
  session.Observe(work.at(0).id, FailedResult(work[0].item, "no kernel for op2"));
  while (!(work = session.Next({}, 1)).empty()) session.Observe(work[0].id, FailedResult(work[0].item, "no kernel for op2"));
  EXPECT_THAT(session.answer().reason, HasSubstr("no quantized model could be made: no kernel for op2"));
}

TEST(TuningSessionTest, NothingToQuantizeEndsAtOnce) {
  TuningSession session = Make(FakeOptions(0));
  EXPECT_TRUE(session.Next({}, 1).empty());
  EXPECT_THAT(session.answer().reason, HasSubstr("nothing in the model can be quantized"));
}

// One evaluation and, whatever it says, the timing of both forms; what else is begun meanwhile is ahead of its time.
struct Begun {
  TuningSession session;
  TuningWork evaluation;
  std::vector<int> ahead;
};
Begun BeginWithFourWorkers(const FakeModel& model) {
  Begun begun{Make(FakeOptions(64)), {}, {}};
  auto needed = begun.session.Next({}, 2);
  EXPECT_TRUE(std::holds_alternative<EvaluateItem>(needed.at(0).item) && std::holds_alternative<TimeItem>(needed.at(1).item));
  EXPECT_FALSE(needed.at(0).ahead || needed.at(1).ahead);
  begun.evaluation = needed[0];
  begun.session.Observe(needed[1].id, model.Do(begun.session.history(), needed[1].item));
  EXPECT_TRUE(begun.session.GiveUp().empty());
  for (const TuningWork& work : begun.session.Next({}, 3)) {
    EXPECT_TRUE(work.ahead && begun.session.ahead(work.id)) << KeyOf(work.item);
    begun.ahead.push_back(work.id);
  }
  EXPECT_FALSE(begun.ahead.empty());
  return begun;
}

TEST(TuningSessionTest, WhatTurnsOutToBeOfNoUseIsGivenUpAndForgotten) {
  Begun begun = BeginWithFourWorkers({});
  begun.session.Observe(begun.evaluation.id, FakeModel().Do(begun.session.history(), begun.evaluation.item));
  EXPECT_EQ(begun.session.GiveUp(), begun.ahead);
  EXPECT_EQ(begun.session.history().evaluations(), 1);
  EXPECT_TRUE(begun.session.Next({}, 4).empty());
  EXPECT_TRUE(begun.session.idle());
  EXPECT_EQ(begun.session.answer().trial, 1);
}

TEST(TuningSessionTest, WhatTurnsOutToBeNeededIsNotAheadAnyMore) {
  FakeModel model{.harms = {{"op17", 0.2}}};
  Begun begun = BeginWithFourWorkers(model);
  begun.session.Observe(begun.evaluation.id, model.Do(begun.session.history(), begun.evaluation.item));
  EXPECT_TRUE(begun.session.GiveUp().empty());
  EXPECT_FALSE(begun.session.ahead(begun.ahead.front()));
}

TEST(TuningSessionTest, AWithdrawnTrialKeepsItsNumberAndIsNotKnown) {
  TuningSession::Options options = FakeOptions(4);
  TuningHistory history(options.problem);
  EvaluateItem item{options.problem.space.Uniform(OpMode::kStatic), "static"};
  ASSERT_EQ(history.Begin(item), 1);
  history.Withdraw(item);
  EXPECT_FALSE(history.Knows(item));
  EXPECT_EQ(history.Find(item.config), nullptr);
  EXPECT_EQ(history.evaluations(), 0);
  EXPECT_TRUE(history.idle());
  EXPECT_EQ(history.Begin(EvaluateItem{options.problem.space.Uniform(OpMode::kDynamic), "dynamic"}), 2);
  EXPECT_EQ(history.Begin(item), 1);
}

TEST(TuningSessionTest, ItsBudgetIsNeverExceededByMoreThanTheItemUnderWay) {
  for (double timeout : {0.5, 1.0, 3.0, 7.5}) {
    for (int trials : {1, 2, 5}) {
      TuningSession::Options options = FakeOptions(64, false);
      options.stop = {trials, timeout};
      TuningSession session = Make(options);
      FakeModel model{.harms = {{"op1", 0.2}, {"op40", 0.1}, {"op50", 0.005}}};
      Played played = Play(session, model);
      EXPECT_LE(static_cast<int>(played.labels.size()), trials);
      EXPECT_LE(played.elapsed_seconds, timeout);
    }
  }
}

}  // namespace
}  // namespace ns
