#include "team_simulation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tune/testing/simulated_model.h"

namespace ns {
namespace {

// 20 operators, 3 of them harmful; an evaluation takes 10 s, a timing 2, a ranking 4, a probe 0.5.
class TeamSimulationTest : public testing::Test {
 protected:
  SimulatedOutcome Simulate(TeamOptions team, const std::string& strategy = "auto", int max_trials = 60) {
    TuningSession::Options session{.problem = model_.problem(), .stop = {.max_trials = max_trials}, .strategy = strategy};
    return SimulateTeam(
        [this](const TuningItem& item) {
          constexpr double kSeconds[] = {10, 0.5, 4, 2};
          return RecordedItem{model_.Do(item), kSeconds[item.index()]};
        },
        session, team);
  }
  SimulatedModel model_{{.seed = 3, .operators = 20, .harmful = 3, .diffuse = 0.5, .evaluation_noise = 0.1, .measuring_noise_db = 1.5, .calibrations = true}};
};

// Its documentation: six trials of these seconds take 38 s in one process and 16 s on four ranks.
TEST_F(TeamSimulationTest, TheOriginalsPublishedExampleComesOut) {
  TuningSession::Options session{.problem = model_.problem(), .stop = {.max_trials = 6}, .strategy = "random"};
  for (auto [team, expected] : {std::pair(TeamOptions{}, 38.0), std::pair(TeamOptions{.workers = 4, .stage_items = 6}, 16.0)}) {
    std::vector<double> seconds = {3, 2, 15, 1, 4, 13};  // from the back
    SimulatedOutcome outcome = SimulateTeam(
        [&](const TuningItem& item) {
          if (!std::holds_alternative<EvaluateItem>(item)) return RecordedItem{model_.Do(item), 0};
          double next = seconds.back();
          seconds.pop_back();
          return RecordedItem{model_.Do(item), next};
        },
        session, team);
    EXPECT_EQ(outcome.ended_at, expected);
  }
}

TEST_F(TeamSimulationTest, OneWorkersTimeIsTheSumOfItsItems) {
  SimulatedOutcome one = Simulate({});
  double sum = 0;
  for (const auto& [item, seconds] : one.done) sum += seconds;
  EXPECT_DOUBLE_EQ(one.ended_at, sum);
  EXPECT_DOUBLE_EQ(one.busy_seconds, sum);
}

TEST_F(TeamSimulationTest, TwoWorkersHalveATrialBoundSearch) {
  SimulatedOutcome one = Simulate({}, "random", 40);
  SimulatedOutcome two = Simulate({.workers = 2}, "random", 40);
  EXPECT_GT(one.ended_at / two.ended_at, 1.6);
  EXPECT_LT(one.ended_at / two.ended_at, 2.0001);
}

TEST_F(TeamSimulationTest, TheOriginalsSecondWorkerGainsNothing) {
  SimulatedOutcome one = Simulate({}, "random", 40);
  SimulatedOutcome theirs = Simulate({.workers = 2, .stage_items = 1}, "random", 40);
  EXPECT_GE(theirs.ended_at, one.ended_at);
}

TEST_F(TeamSimulationTest, AnyTeamAcceptsTheSameModelWhateverIsLost) {
  std::string answer = Simulate({}).answer;
  ASSERT_NE(answer, "");
  for (int workers : {1, 2, 3, 8, 64}) {
    for (double loss : {0.0, 15.0}) {
      SimulatedOutcome team = Simulate({.workers = workers, .round_trip = 0.05, .mean_time_to_loss = loss, .seed = 7});
      EXPECT_EQ(team.answer, answer) << workers << " workers, " << team.lost << " lost";
    }
  }
}

// Whatever it does ahead of its time. A word travels when something is taken over that an assistant has begun.
TEST_F(TeamSimulationTest, NoTeamEndsLaterThanOneWorkerButForItsMessages) {
  constexpr double kRoundTrip = 0.05;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    model_ = SimulatedModel({.seed = seed, .operators = 20, .harmful = static_cast<int>(seed % 5), .diffuse = 0.5, .evaluation_noise = 0.1,
                             .measuring_noise_db = 1.5, .calibrations = true, .stopping = seed % 2 == 0});
    SimulatedOutcome one = Simulate({});
    for (int workers : {2, 3, 4, 8, 16, 64}) {
      if (workers > 8 && seed > 5) break;  // plans for so many take their time
      SimulatedOutcome team = Simulate({.workers = workers, .round_trip = kRoundTrip});
      EXPECT_EQ(team.answer, one.answer) << "seed " << seed << ", " << workers << " workers";
      EXPECT_LE(team.ended_at, one.ended_at + kRoundTrip) << "seed " << seed << ", " << workers << " workers";
    }
  }
}

// A timing is never kept waiting by what may turn out to be of use.
TEST_F(TeamSimulationTest, TheLeadDoesNothingAheadOfItsTime) {
  for (int workers : {2, 4, 16}) {
    for (const SimulatedAttempt& attempt : Simulate({.workers = workers, .round_trip = 0.05}).attempts) {
      EXPECT_FALSE(attempt.worker == 0 && attempt.ahead) << attempt.item;
    }
  }
}

TEST_F(TeamSimulationTest, ALostItemIsDoneByAnother) {
  SimulatedOutcome team = Simulate({.workers = 4, .mean_time_to_loss = 8, .seed = 1}, "random", 30);
  EXPECT_GT(team.lost, 0);
  EXPECT_GE(team.done.size(), 30U);
}

}  // namespace
}  // namespace ns
