#include "tune/tuning_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace ns {
namespace {

using ::testing::HasSubstr;

// A model whose metric and speed are functions of the configuration.
struct FakeModel {
  std::vector<RankedOperator> ranking;
  std::function<double(const EvaluateTrial&)> value;
  std::function<MeasuredSpeed(const Trial&)> speed = [](const Trial&) { return MeasuredSpeed{2.0, 1.9, 2.1}; };
  double seconds_per_evaluation = 0;
};

struct Played {
  int evaluations = 0;
  int rankings = 0;
  int timings = 0;
};

Played Play(TuningSession& session, const FakeModel& model, int limit = 1000) {
  Played played;
  double elapsed = 0;
  for (int step = 0; step < limit; ++step) {
    TuningAction action = session.Next(elapsed);
    if (std::holds_alternative<Done>(action)) return played;
    if (auto* evaluate = std::get_if<EvaluateTrial>(&action)) {
      ++played.evaluations;
      elapsed += model.seconds_per_evaluation;
      session.ObserveEvaluation({.value = model.value(*evaluate), .size_bytes = 25});
    } else if (std::holds_alternative<RankConfig>(action)) {
      ++played.rankings;
      session.ObserveRanking(model.ranking);
    } else {
      ++played.timings;
      std::vector<MeasuredSpeed> speeds;
      for (int id : std::get<TimeTrials>(action).trials) speeds.push_back(model.speed(session.trial(id)));
      session.ObserveTiming(speeds);
    }
  }
  ADD_FAILURE() << "did not end";
  return played;
}

QuantConfig Everything(OpMode mode) {
  QuantConfig config;
  config.defaults.mode = mode;
  return config;
}

TuningSession::Options TwoStarts() {
  TuningSession::Options options;
  options.baseline = 0.9;
  options.float_size_bytes = 100;
  options.starts = {{"static", Everything(OpMode::kStatic)}, {"dynamic", Everything(OpMode::kDynamic)}};
  return options;
}

int FloatOperators(const EvaluateTrial& trial) {
  return static_cast<int>(trial.config.operators.size());
}

TEST(TuningSessionTest, TheFirstThatHoldsLeadsUntilTimingSaysWhichIsFastest) {
  TuningSession session(TwoStarts());
  EXPECT_EQ(session.leader(), std::nullopt);
  for (int id : {1, 2}) {
    session.Next(0);
    session.ObserveEvaluation({.value = 0.9, .size_bytes = 25});
    EXPECT_EQ(session.leader(), 1) << id;
  }
  session.Next(0);
  session.ObserveTiming({{2, 1.9, 2.1}, {3, 2.9, 3.1}});
  EXPECT_EQ(session.leader(), 2);
}

TEST(TuningSessionTest, NobodyLeadsWhenTimingShowsNoneToBeatFloat) {
  TuningSession session(TwoStarts());
  for (int i = 0; i < 2; ++i) {
    session.Next(0);
    session.ObserveEvaluation({.value = 0.9, .size_bytes = 25});
  }
  session.Next(0);
  session.ObserveTiming({{0.5, 0.4, 0.6}, {0.5, 0.4, 0.6}});
  EXPECT_EQ(session.leader(), std::nullopt);
}

TEST(TuningSessionTest, TheFasterOfTwoThatHoldTheAccuracyWins) {
  TuningSession session(TwoStarts());
  FakeModel model;
  model.value = [](const auto&) { return 0.9; };
  model.speed = [](const Trial& trial) {
    return trial.label == "dynamic" ? MeasuredSpeed{3, 2.9, 3.1} : MeasuredSpeed{2, 1.9, 2.1};
  };
  Played played = Play(session, model);
  EXPECT_EQ(played.evaluations, 2);
  EXPECT_EQ(played.rankings, 0);
  EXPECT_EQ(session.answer().trial, 2);
  EXPECT_TRUE(session.answer().goal_met);
}

TEST(TuningSessionTest, KeepsFloatWhenNothingIsFaster) {
  TuningSession session(TwoStarts());
  FakeModel model;
  model.value = [](const auto&) { return 0.9; };
  model.speed = [](const Trial&) { return MeasuredSpeed{0.8, 0.75, 0.85}; };
  Play(session, model);
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, std::nullopt);
  EXPECT_TRUE(answer.goal_met);
  EXPECT_THAT(answer.reason, HasSubstr("0.80 times its speed"));
}

// Ten operators, the three most harmful lose the accuracy: 0 and 1 and 2 in float fail, 3 passes.
FakeModel ThreeCulprits() {
  FakeModel model;
  for (int i = 0; i < 10; ++i) model.ranking.push_back({"op" + std::to_string(i), i < 3 ? 5.0 : 40.0});
  model.value = [](const EvaluateTrial& trial) { return FloatOperators(trial) >= 3 ? 0.895 : 0.5; };
  return model;
}

TEST(TuningSessionTest, FindsTheFewestOperatorsThatMustStayInFloat) {
  TuningSession::Options options = TwoStarts();
  options.starts.pop_back();
  TuningSession session(options);
  Played played = Play(session, ThreeCulprits());
  ASSERT_TRUE(session.answer().trial.has_value());
  const Trial& winner = session.trial(*session.answer().trial);
  EXPECT_EQ(winner.kept_float, 3);
  EXPECT_EQ(winner.label, "static, 3 operators in float");
  EXPECT_EQ(winner.config.Of("op0").mode, OpMode::kFloat);
  EXPECT_EQ(winner.config.operators.count("op3"), 0u);
  // The start; 3 (90 % of the noise lies there) passes; 1 and 2 fail.
  EXPECT_EQ(played.evaluations, 4);
}

TEST(TuningSessionTest, AFailedStartIsRepairedOnlyWhenItIsFasterThanWhatPasses) {
  FakeModel model = ThreeCulprits();
  auto culprits = model.value;
  model.value = [culprits](const EvaluateTrial& trial) { return trial.label == "dynamic" ? 0.9 : culprits(trial); };
  model.speed = [](const Trial& trial) {
    return trial.start == 1 ? MeasuredSpeed{2.5, 2.4, 2.6} : MeasuredSpeed{2, 1.9, 2.1};
  };
  TuningSession slow_static(TwoStarts());
  EXPECT_EQ(Play(slow_static, model).rankings, 0);
  EXPECT_EQ(slow_static.answer().trial, 2);

  model.speed = [](const Trial& trial) {
    return trial.start == 1 ? MeasuredSpeed{1.0, 0.99, 1.01} : MeasuredSpeed{2, 1.9, 2.1};
  };
  TuningSession fast_static(TwoStarts());
  EXPECT_EQ(Play(fast_static, model).rankings, 1);
  EXPECT_EQ(fast_static.trial(*fast_static.answer().trial).label, "static, 3 operators in float");
}

TEST(TuningSessionTest, RepairsTheOneThatLosesLeastFirst) {
  FakeModel model = ThreeCulprits();
  model.value = [](const EvaluateTrial& trial) {
    if (FloatOperators(trial) >= 3) return 0.9;
    return trial.config.defaults.mode == OpMode::kDynamic ? 0.85 : 0.3;
  };
  TuningSession session(TwoStarts());
  EXPECT_EQ(Play(session, model).rankings, 1);
  EXPECT_EQ(session.trial(*session.answer().trial).label, "dynamic, 3 operators in float");
}

TEST(TuningSessionTest, WhenOnlyFloatPassesItIsTheAnswerAndSaysWhy) {
  FakeModel model = ThreeCulprits();
  model.value = [](const auto&) { return 0.5; };
  TuningSession session(TwoStarts());
  Play(session, model);
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, std::nullopt);
  EXPECT_TRUE(answer.goal_met);
  EXPECT_THAT(answer.reason, HasSubstr("0.5000 misses the limit 0.8910"));
}

TEST(TuningSessionTest, AGoalAboveTheBaselineEndsWithTheBestAndSaysSo) {
  TuningSession::Options options = TwoStarts();
  options.criterion = {.kind = CriterionKind::kAbsolute, .tolerable_loss = -0.05};
  FakeModel model;
  model.value = [](const EvaluateTrial& trial) { return trial.label == "static" ? 0.91 : 0.8; };
  TuningSession session(options);
  EXPECT_EQ(Play(session, model).rankings, 0);
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, 1);
  EXPECT_FALSE(answer.goal_met);
  EXPECT_THAT(answer.reason, HasSubstr("0.9100 misses the limit 0.9500"));
}

TEST(TuningSessionTest, StopsAtMaxTrialsWithTheBestSoFar) {
  TuningSession::Options options = TwoStarts();
  options.starts.pop_back();
  options.stop.max_trials = 2;  // the start and the first probe, which passes
  TuningSession session(options);
  EXPECT_EQ(Play(session, ThreeCulprits()).evaluations, 2);
  EXPECT_EQ(session.trial(*session.answer().trial).kept_float, 3);
  EXPECT_THAT(session.answer().reason, HasSubstr("the 2 trials allowed are used up"));
}

TEST(TuningSessionTest, StopsAtTheTimeoutButStillTimesWhatPasses) {
  TuningSession::Options options = TwoStarts();
  options.stop.timeout_seconds = 1;
  FakeModel model;
  model.seconds_per_evaluation = 2;
  model.value = [](const auto&) { return 0.9; };
  TuningSession session(options);
  Played played = Play(session, model);
  EXPECT_EQ(played.evaluations, 1);
  EXPECT_EQ(played.timings, 1);
  EXPECT_EQ(session.answer().trial, 1);
}

TEST(TuningSessionTest, ATrialThatCannotBeMadeIsNoPass) {
  TuningSession session(TwoStarts());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(std::holds_alternative<EvaluateTrial>(session.Next(0)));
    session.ObserveEvaluation({.failure = "no kernel"});
  }
  EXPECT_TRUE(std::holds_alternative<Done>(session.Next(0)));
  EXPECT_EQ(session.answer().trial, std::nullopt);
  EXPECT_EQ(session.answer().reason, "no quantized model could be made: no kernel");
}

TEST(TuningSessionTest, WithoutAStartingPointTheAnswerIsFloat) {
  TuningSession::Options options;
  options.baseline = 0.9;
  TuningSession session(options);
  EXPECT_TRUE(std::holds_alternative<Done>(session.Next(0)));
  EXPECT_EQ(session.answer().reason, "nothing in the model can be quantized");
}

// Random models, every second one not monotone: ends within the bound, and what it hands out has been seen to pass.
TEST(TuningSessionTest, PropertyEndsWithinTheBoundAndNeverAcceptsAFailingOne) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> unit(0, 1);
    int operators = 1 + static_cast<int>(random() % 300);
    FakeModel model;
    for (int i = 0; i < operators; ++i) model.ranking.push_back({"op" + std::to_string(i), 60 * unit(random)});
    std::sort(model.ranking.begin(), model.ranking.end(), [](auto& a, auto& b) { return a.sqnr_db < b.sqnr_db; });
    int needed = static_cast<int>(random() % static_cast<uint64_t>(operators + 1));
    bool monotone = seed % 2 == 0;
    model.value = [&](const EvaluateTrial& trial) {
      if (!monotone) return unit(random);
      return FloatOperators(trial) >= needed ? 0.9 : 0.1;
    };
    model.speed = [&](const Trial&) {
      double speed = 0.7 + 2 * unit(random);
      return MeasuredSpeed{speed, speed * 0.95, speed * 1.05};
    };
    TuningSession::Options options = TwoStarts();
    options.stop.max_trials = 1000;
    if (seed % 5 == 0) options.stop.max_trials = 1 + static_cast<int>(random() % 6);
    TuningSession session(options);
    Played played = Play(session, model);
    int repair = 1 + static_cast<int>(std::ceil(std::log2(operators)));
    EXPECT_LE(played.evaluations, std::min(options.stop.max_trials, 2 + 2 * repair)) << "seed " << seed;
    TuningAnswer answer = session.answer();
    EXPECT_TRUE(answer.goal_met);
    EXPECT_FALSE(answer.reason.empty());
    if (!answer.trial) continue;
    EXPECT_GE(session.trial(*answer.trial).outcome.value, 0.891) << "seed " << seed;
    if (monotone) {
      EXPECT_GE(session.trial(*answer.trial).kept_float, needed) << "seed " << seed;
    }
  }
}

TEST(TuningSessionTest, TheSameHistoryGivesTheSameProposals) {
  for (int round = 0; round < 2; ++round) {
    TuningSession session(TwoStarts());
    Play(session, ThreeCulprits());
    std::vector<int> kept;
    for (const Trial& trial : session.trials()) kept.push_back(trial.kept_float);
    EXPECT_EQ(kept, (std::vector<int>{0, 0, 3, 1, 2}));
  }
}

}  // namespace
}  // namespace ns
