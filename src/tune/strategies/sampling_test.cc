// `random`, `exhaustive`, `tpe` and `bayesian`: which configurations they ask for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tune/strategies/bayesian.h"
#include "tune/strategies/proposals.h"
#include "tune/strategies/random.h"
#include "tune/testing/driven_session.h"
#include "tune/testing/literal_model.h"
#include "tune/testing/simulated_model.h"

namespace ns {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::SizeIs;

LiteralModel NothingHolds() {
  return LiteralModel({{.name = "a", .type = "Conv", .noise = 9}, {.name = "b", .noise = 9, .dynamic_noise = 5}});
}

std::vector<std::string> Propose(const std::string& strategy, const TuningHistory& history, int count) {
  std::vector<std::string> configs;
  for (const Proposal& proposal : MakeStrategy(strategy).value()->Propose(history, count))
    configs.push_back(Canonical(std::get<EvaluateItem>(proposal.item).config));
  return configs;
}

// Evaluates what is proposed, one after the other, until nothing is.
std::vector<std::string> Exhaust(const std::string& strategy, const LiteralModel& model) {
  TuningHistory history(model.problem());
  auto maker = MakeStrategy(strategy).value();
  while (true) {
    std::vector<Proposal> proposed = maker->Propose(history, 1);
    if (proposed.empty()) break;
    history.Begin(proposed[0].item);
    history.End(proposed[0].item, model(proposed[0].item));
  }
  std::vector<std::string> configs;
  for (const Trial& trial : history.trials()) configs.push_back(Canonical(trial.config));
  return configs;
}

TEST(ExhaustiveTest, GoesThroughAllButFp32OutwardsFromTheUsualConfiguration) {
  EXPECT_THAT(Exhaust("exhaustive", NothingHolds()),
              ElementsAre("default", R"(mode=dynamic "a"(mode=float))", R"("a"(mode=float))", R"("b"(mode=dynamic))", R"("b"(mode=float))"));
}

TEST(SamplingTest, AllOfThemSeeTheWholeOfASmallSpace) {
  for (const char* strategy : {"random", "tpe", "bayesian"}) {
    std::vector<std::string> seen = Exhaust(strategy, NothingHolds()), all = Exhaust("exhaustive", NothingHolds());
    EXPECT_THAT(std::vector(seen.begin(), seen.begin() + 2), ElementsAreArray(all.begin(), all.begin() + 2)) << strategy;
    EXPECT_THAT(seen, ::testing::UnorderedElementsAreArray(all)) << strategy;
  }
}

TEST(SamplingTest, ABatchHasNothingTwice) {
  SimulatedModel model({.operators = 30, .harmful = 3});
  TuningHistory history(model.problem());
  for (const char* strategy : {"random", "tpe", "bayesian", "exhaustive"}) {
    std::vector<std::string> batch = Propose(strategy, history, 8);
    EXPECT_THAT(batch, SizeIs(8)) << strategy;
    EXPECT_THAT(std::set<std::string>(batch.begin(), batch.end()), SizeIs(8)) << strategy;
  }
}

TEST(SamplingTest, WhatCannotBeBetterThanTheBestIsNotProposed) {
  // Static takes half of the time of either; with a saved and timed, only both are better.
  LiteralModel model({{.name = "a", .noise = 0.1}, {.name = "b", .noise = 0.1}});
  TuningHistory history(model.problem());
  EvaluateItem best{history.problem().space.Uniform(OpMode::kStatic), ""};
  TimeItem timing{{best.config}};
  history.Begin(best);
  history.End(best, model(best));
  history.Begin(timing);
  history.End(timing, model(timing));
  for (const char* strategy : {"random", "tpe", "bayesian", "exhaustive"}) EXPECT_THAT(Propose(strategy, history, 4), SizeIs(0)) << strategy;
}

TEST(SamplingTest, NoModeThatIsNotAllowed) {
  LiteralModel model({{.name = "a", .noise = 9, .dynamic_noise = 9}, {.name = "b", .noise = 9, .dynamic_noise = 9}});
  TuningProblem problem = model.problem();
  problem.try_static = false;
  TuningHistory history(problem);
  for (const char* strategy : {"random", "tpe", "bayesian", "exhaustive"})
    EXPECT_THAT(Propose(strategy, history, 4), Each(HasSubstr("mode=dynamic"))) << strategy;
}

TEST(RandomTest, AnyNumberOfWorkersDrawsTheSame) {
  SimulatedModel model({.seed = 5, .operators = 30, .harmful = 30});  // nothing holds, so nothing is left out
  auto work = [&](const TuningItem& item) { return model.Do(item); };
  TuningSession::Options options{.problem = model.problem(), .stop = {.max_trials = 40}, .strategy = "random"};
  std::vector<std::string> one = Drive(work, options, 1).labels;
  EXPECT_THAT(one, SizeIs(40));
  EXPECT_EQ(Drive(work, options, 5, 3).labels, one);
}

TEST(RandomTest, AnotherSeedDrawsOthers) {
  SimulatedModel model({.operators = 30, .harmful = 3});
  TuningProblem problem = model.problem();
  TuningHistory first(problem);
  problem.seed = 1;
  TuningHistory second(problem);
  EXPECT_NE(Propose("random", first, 6), Propose("random", second, 6));
}

TEST(ScoreTest, FasterOnesThatHoldThenWhatIsNearerToTheGoal) {
  LiteralModel model({{.name = "a", .noise = 0.5}, {.name = "b", .noise = 1.5}});
  TuningHistory history(model.problem());
  ChoiceGrid grid(history.problem(), 8);
  auto score = [&](const GridPoint& point) {
    EvaluateItem item{grid.Config(point), ""};
    int id = history.Begin(item);
    history.End(item, model(item));
    return ScoreOf(history, GainForecast(history, grid), history.trial(id), point);
  };
  // Not timed: 0.75 of half the run is likely to be saved. Losses of 1.5 and 2 are 0.5 and 1 too much.
  EXPECT_NEAR(score({0, 1}), -std::log(1 - 0.375), 1e-9);
  EXPECT_NEAR(score({1, 0}), -0.01 - std::log(1.5), 1e-6);
  EXPECT_NEAR(score({0, 0}), -0.01 - std::log(2), 1e-6);
}

// Accuracy 0.9 of which 0.009 may be lost.
MarginEstimate EstimateOf(EvaluateResult result) {
  LiteralModel model({{.name = "a", .noise = 9}});
  TuningHistory history(model.problem());
  EvaluateItem item{history.problem().space.Uniform(OpMode::kStatic), ""};
  int id = history.Begin(item);
  history.End(item, result);
  return MarginOf(history, history.trial(id));
}

TEST(MarginTest, AnEstimateFromFewRowsSaysLittle) {
  // All rows: 0.9 - 0.855 is five times the tolerable loss.
  MarginEstimate all = EstimateOf({.values = {0.855}, .rows = 1000});
  EXPECT_NEAR(all.margin, -4, 1e-9);
  EXPECT_EQ(all.log_variance, 0);
  // One row, and it is wrong: m = 1 - 0.9 / 0.009 = -99, joined by four rows of -1: -103 / 5; 0.9 rows are lost.
  MarginEstimate one = EstimateOf({.values = {0}, .rows = 1, .stopped_early = true});
  EXPECT_NEAR(one.margin, -20.6, 1e-9);
  EXPECT_NEAR(one.log_variance, 1 / 1.9, 1e-9);
  // Of 200 rows half are right: m = 1 - 0.4 / 0.009 = -43.444, and 80 rows are lost.
  MarginEstimate many = EstimateOf({.values = {0.5}, .rows = 200, .stopped_early = true});
  EXPECT_NEAR(many.margin, (-43.0 - 4.0 / 9) * 200 / 204 - 4.0 / 204, 1e-9);
  EXPECT_NEAR(many.log_variance, 1 / 81.0, 1e-9);
}

TEST(MarginTest, AStoppedTrialMissesWhateverItsRowsSay) {
  EXPECT_NEAR(EstimateOf({.values = {1}, .rows = 12, .stopped_early = true}).margin, -4.0 / 16, 1e-9);
}

TEST(ExpectedImprovementTest, IsTheClosedFormTimesTheChanceToHold) {
  // z = 0: s φ(0), at even odds.
  EXPECT_NEAR(LogExpectedImprovement(0, 1, 0, 0.3, 0.3), std::log(0.5 * 0.05 / std::sqrt(2 * std::numbers::pi)), 1e-9);
  // Far above the best and certain: the gain itself.
  EXPECT_NEAR(LogExpectedImprovement(50, 1, 0, 1.3, 0.3), 0, 1e-9);
  // One deviation short of the goal: Φ(-1) = 0.158655.
  EXPECT_NEAR(LogExpectedImprovement(1, 2, 3, 1.3, 0.3), std::log(0.158655), 1e-5);
}

TEST(ExpectedImprovementTest, OrdersWhatIsHopelessToo) {
  EXPECT_GT(LogExpectedImprovement(-50, 1, 0, 1, 0), LogExpectedImprovement(-60, 1, 0, 1, 0));
  // ln Φ(-31) = -485.353 - ... by its series: -z²/2 - ln(z √2π) = -480.5 - 4.353 = -484.853.
  EXPECT_NEAR(LogExpectedImprovement(-31, 1, 0, 1, 0), -484.853, 0.01);
}

// 12 operators of which 3 do harm, 4095 configurations: the best leaves out those three alone.
TEST(BayesianTest, FindsTheCulpritsOfASumWithinThirtyEvaluations) {
  std::vector<LiteralOperator> operators;
  for (int i = 0; i < 12; ++i) operators.push_back({.name = fmt::format("op{}", i), .noise = i % 4 == 1 ? 2 : 0.02});
  LiteralModel model(operators);
  DrivenSession driven = Drive(model, {.problem = model.problem(), .stop = {.max_trials = 30}, .strategy = "bayesian"});
  EXPECT_DOUBLE_EQ(driven.gain, 1 / (1 - 0.75 / 2));
}

TEST(TpeTest, FindsMoreThanChanceDoes) {
  double tpe = 0, random = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SimulatedModel model({.seed = seed, .operators = 24, .harmful = 4, .diffuse = 0.4});
    auto work = [&](const TuningItem& item) { return model.Do(item); };
    tpe += Drive(work, {.problem = model.problem(), .stop = {.max_trials = 60}, .strategy = "tpe"}).gain;
    random += Drive(work, {.problem = model.problem(), .stop = {.max_trials = 60}, .strategy = "random"}).gain;
  }
  EXPECT_GT(tpe, random);
}

}  // namespace
}  // namespace ns
