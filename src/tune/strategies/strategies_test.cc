// What holds for every strategy, on thousands of made-up models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tasks/task_spec.h"
#include "tune/latency_model.h"
#include "tune/strategies/choice_grid.h"
#include "tune/strategy.h"
#include "tune/testing/driven_session.h"
#include "tune/testing/simulated_model.h"
#include "tune/testing/rounds.h"

namespace ns {
namespace {

TEST(RegistryTest, HasTheStrategiesThatARequestMayName) {
  EXPECT_THAT(StrategyNames(), ::testing::UnorderedElementsAreArray(KnownStrategies()));
  for (const std::string& name : KnownStrategies()) EXPECT_EQ(MakeStrategy(name).value()->name(), name);
}

TEST(RegistryTest, SaysWhichThereAre) {
  auto made = MakeStrategy("simulated_annealing");
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.status().reason(), "UNKNOWN_STRATEGY");
  EXPECT_THAT(std::string(made.status().message()), ::testing::HasSubstr("auto, basic, conservative"));
}

class EveryStrategy : public ::testing::TestWithParam<std::string> {};

std::string NameOf(const ::testing::TestParamInfo<std::string>& strategy) { return strategy.param; }
INSTANTIATE_TEST_SUITE_P(, EveryStrategy, ::testing::ValuesIn(StrategyNames()), NameOf);

SimulatedModel::Options AnyModel(uint64_t seed) {
  std::mt19937_64 random(seed);
  auto below = [&](size_t limit) { return static_cast<int>(random() % limit); };
  SimulatedModel::Options options{.seed = seed};
  options.operators = seed % 50 == 0 ? below(40) : below(4);
  options.operators_in_block = seed % 4 == 0 ? 3 : 0;
  options.harmful = below(4);
  options.diffuse = 0.5 * below(5);
  options.interactions = below(3);
  options.evaluation_noise = 0.2 * below(3);
  options.measuring_noise_db = below(4);
  options.dynamic = below(3) > 0;
  options.calibrations = below(2) > 0;
  options.failing_share = 0.1 * (below(2) * below(8));
  options.stopping = below(2) > 0;
  return options;
}

// Drives a strategy by itself: no session prunes or stops it. Nothing may be proposed that is known, not more than was asked
// for, and it must end, by itself where the space is small.
void Exhaust(Strategy& strategy, const SimulatedModel& model, int most, int evaluations, uint64_t seed) {
  std::mt19937_64 random(seed);
  TuningHistory history(model.problem());
  std::vector<TuningItem> under_way;
  std::set<std::string> evaluated;
  for (int round = 0; round < 10'000; ++round) {
    int count = 1 + static_cast<int>(random() % static_cast<size_t>(most));
    std::vector<Proposal> items;
    if (history.evaluations() < evaluations) items = strategy.Propose(history, count);
    ASSERT_LE(items.size(), static_cast<size_t>(count));
    if (random() % 4 == 0) {  // the same history, the same proposals, whoever asks
      std::vector<Proposal> again = MakeStrategy(strategy.name()).value()->Propose(history, count);
      if (history.evaluations() >= evaluations) again.clear();
      ASSERT_EQ(again.size(), items.size());
      for (size_t i = 0; i < items.size(); ++i) ASSERT_EQ(KeyOf(again[i].item), KeyOf(items[i].item));
    }
    for (auto& [item, assuming] : items) {
      ASSERT_FALSE(history.Knows(item)) << KeyOf(item);
      if (auto* evaluate = std::get_if<EvaluateItem>(&item)) {
        ASSERT_TRUE(evaluated.insert(Canonical(evaluate->config)).second);
        ASSERT_FALSE(evaluate->label.empty());
      }
      history.Begin(item);
      under_way.push_back(std::move(item));
    }
    if (under_way.empty()) return;
    for (size_t ends = 1 + random() % under_way.size(); ends > 0; --ends) {
      size_t next = random() % under_way.size();
      history.End(under_way[next], model.Do(under_way[next]));
      under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(next));
    }
  }
  FAIL() << strategy.name() << " does not end";
}

TEST_P(EveryStrategy, EndsAndAsksForNothingTwice) {
  auto strategy = MakeStrategy(GetParam()).value();
  uint64_t models = Rounds(GetParam() == "bayesian" ? 300 : 1500);  // it decomposes matrices all the time
  for (uint64_t seed = 1; seed <= models; ++seed) {
    SimulatedModel::Options options = AnyModel(seed);
    int small = options.operators > 3 ? 30 : 1'000'000;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Exhaust(*strategy, SimulatedModel(options), 1 + static_cast<int>(seed % 8), small, seed);
    if (HasFatalFailure()) return;
  }
}

TEST_P(EveryStrategy, ASessionHasAnAnswerAndKeepsItsTrialsWithAnyNumberOfWorkers) {
  for (uint64_t seed = 1; seed <= Rounds(200); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SimulatedModel model(AnyModel(seed));
    TuningSession::Options options{.problem = model.problem(), .stop = {.max_trials = 1 + static_cast<int>(seed % 30)}, .strategy = GetParam()};
    DrivenSession driven = Drive([&](const TuningItem& item) { return model.Do(item); }, options, 1 + static_cast<int>(seed % 8), seed);
    EXPECT_LE(driven.evaluations, options.stop.max_trials);
    EXPECT_FALSE(driven.answer.reason.empty());
    EXPECT_TRUE(driven.answer.goal_met);  // fp32 does
  }
}

// The session's own words, if it ended before its budget did.
std::string EndOf(TuningSession& session, const SimulatedModel& model, const StopCondition& stop) {
  while (true) {
    std::vector<TuningWork> work = session.Next({}, 1);
    if (work.empty()) break;
    session.Observe(work[0].id, model.Do(work[0].item));
  }
  return session.history().evaluations() < stop.max_trials ? session.answer().reason : "";
}

// With trials that fail, are stopped early or pruned.
TEST(SamplingStrategiesTest, EndWithinTheBudgetOnlyWhereNothingIsLeftAndSaySo) {
  int ended = 0;
  for (const char* strategy : {"bayesian", "tpe", "random", "exhaustive"})
    for (uint64_t seed = 1; seed <= Rounds(400); ++seed) {
      SCOPED_TRACE(fmt::format("{} seed {}", strategy, seed));
      SimulatedModel::Options made = AnyModel(seed);
      made.operators = 1 + static_cast<int>(seed % 7);
      SimulatedModel model(made);
      StopCondition stop{.max_trials = 10 + static_cast<int>(seed % 31)};
      TuningSession session = TuningSession::Create({.problem = model.problem(), .stop = stop, .strategy = strategy}).value();
      std::string reason = EndOf(session, model, stop);
      if (reason.empty()) continue;
      ++ended;
      const TuningHistory& history = session.history();
      ASSERT_TRUE(reason.find("were tried") != std::string::npos || reason.find(" more than the best") != std::string::npos) << reason;
      ChoiceGrid grid(history.problem(), 32);
      GridWalk walk(grid);
      while (auto point = walk.Next()) {
        QuantConfig config = grid.Config(*point);
        if (grid.IsFloat(*point) || history.Find(config) != nullptr) continue;
        ASSERT_NE(history.best(), nullptr) << Canonical(config);
        double promised = PredictSpeedup(history.problem().space, history.models(), config);
        ASSERT_LE(promised, 1.0501 * history.FindModel(history.best()->config)->speed.speedup) << Canonical(config);
      }
    }
  EXPECT_GT(ended, 20);
}

TEST_P(EveryStrategy, OneWorkerGetsTheSameEachTime) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SimulatedModel model(AnyModel(50 * seed));
    TuningSession::Options options{.problem = model.problem(), .stop = {.max_trials = 20}, .strategy = GetParam()};
    auto work = [&](const TuningItem& item) { return model.Do(item); };
    EXPECT_EQ(Drive(work, options, 1, 1).labels, Drive(work, options, 1, 2).labels);
  }
}

TEST(StagedStrategiesTest, NeverTakeMoreEvaluationsThanTheirHeadersSay) {
  for (uint64_t seed = 1; seed <= Rounds(300); ++seed) {
    int operators = 2 + static_cast<int>(seed % 60), log2 = 0;
    while ((1 << log2) < operators) ++log2;
    SimulatedModel model({.seed = seed, .operators = operators, .harmful = static_cast<int>(seed % 9), .diffuse = 0.2 * static_cast<double>(seed % 7),
                          .calibrations = true});
    auto evaluations = [&](const char* strategy) {
      auto work = [&](const TuningItem& item) { return model.Do(item); };
      return Drive(work, {.problem = model.problem(), .stop = {.max_trials = 1000}, .strategy = strategy}).evaluations;
    };
    EXPECT_LE(evaluations("basic"), 4 + 2 * (2 + 2 * log2)) << seed;
    EXPECT_LE(evaluations("mse"), 4 + 2 * (2 + 2 * log2)) << seed;
    if (seed % 10 != 0) continue;  // it probes for each operator
    EXPECT_LE(evaluations("mse_v2"), 2 + 2 * (2 + 3 * log2)) << seed;
  }
}

TEST_P(EveryStrategy, AnEasyModelIsAcceptedAtTheFirstEvaluation) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedModel model({.seed = seed, .operators = 10, .diffuse = 0.3});
    TuningSession::Options options{.problem = model.problem(), .stop = {.max_trials = 20}, .strategy = GetParam()};
    EXPECT_EQ(Drive([&](const TuningItem& item) { return model.Do(item); }, options).until_accepted, 1);
  }
}

}  // namespace
}  // namespace ns
