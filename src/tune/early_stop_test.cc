#include "tune/early_stop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/status.h"
#include "tune/testing/rounds.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

TEST(UnitOrderTest, PutsTheHardOnesFirstAndShufflesTheRestAlikeOnEveryMachine) {
  const size_t hard[] = {4, 1};
  std::vector<size_t> order = UnitOrder(6, hard, 7);
  EXPECT_EQ(order[0], 4u);
  EXPECT_EQ(order[1], 1u);
  EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), std::vector<size_t>{0, 1, 2, 3, 4, 5}.begin()));
  EXPECT_EQ(UnitOrder(6, hard, 7), order);
  EXPECT_NE(UnitOrder(1000, hard, 7), UnitOrder(1000, hard, 8));
}

TEST(HardUnitsTest, AreThoseThatLostMostUpToTwiceWhatMayBeLost) {
  const double losses[] = {0, 1, -1, 1, NAN, 3, 1, 1};
  EXPECT_THAT(HardUnits(losses, 2), ElementsAre(5, 1, 3));  // 3 + 1 + 1 > 4
  EXPECT_THAT(HardUnits(losses, -1), ElementsAre(5));       // nothing may be lost: one is enough
}

TEST(EarlyStopTest, EndsWhenEvenAPerfectRestWouldMiss) {
  // Ten rows, all right in fp32 (so that the best there is no loss); two may be lost.
  EarlyStop stop({.least_losses = std::vector<double>(10, 0.0), .allowed = 2, .error = 1e-12}, UnitOrder(10, {}, 1));
  EXPECT_EQ(stop.Add(1), EarlyStop::Verdict::kGoOn);
  EXPECT_EQ(stop.Add(1), EarlyStop::Verdict::kGoOn);  // at the limit: still holds
  EXPECT_EQ(stop.Add(0), EarlyStop::Verdict::kGoOn);
  EXPECT_EQ(stop.Add(1), EarlyStop::Verdict::kCertainMiss);
}

TEST(EarlyStopTest, CountsWhatTheRestCouldWinBack) {
  // Rows 1 and 2 were wrong in fp32, so a candidate may win one each there.
  const size_t order[] = {0, 1, 2};
  EarlyStop stop({.least_losses = {0, -1, -1}, .allowed = 0, .error = 1e-12}, order);
  EXPECT_EQ(stop.Add(1), EarlyStop::Verdict::kGoOn);
  EXPECT_EQ(stop.Add(0), EarlyStop::Verdict::kGoOn);
  EXPECT_EQ(stop.Add(0), EarlyStop::Verdict::kCertainMiss);
}

TEST(EarlyStopTest, TakesALossThatIsNoNumberAsAMiss) {
  const size_t order[] = {0, 1};
  EarlyStop stop({.least_losses = {0, 0}, .allowed = 1}, order);
  EXPECT_EQ(stop.Add(NAN), EarlyStop::Verdict::kCertainMiss);
}

// Right-or-wrong rows: `lost` rows that only fp32 got right, `won` that only the candidate did.
struct Stream {
  size_t rows = 0, lost = 0, won = 0;
};

// How many rows were seen, all of them when it did not end early.
size_t Play(const Stream& stream, double allowed, size_t hard, uint64_t seed, bool* missed) {
  std::vector<double> losses(stream.rows, 0.0), least(stream.rows, 0.0);
  for (size_t i = 0; i < stream.lost; ++i) losses[i] = 1;
  for (size_t i = 0; i < stream.won; ++i) losses[stream.lost + i] = least[stream.lost + i] = -1;
  // Some rows that both got wrong, which a better model might win.
  for (size_t i = stream.lost + stream.won; i < stream.rows; i += 7) least[i] = -1;
  std::vector<size_t> first(hard);
  std::iota(first.begin(), first.end(), 0u);
  std::vector<size_t> order = UnitOrder(stream.rows, first, seed);
  EarlyStop stop({.least_losses = least, .allowed = allowed, .hard = hard}, order);
  *missed = false;
  for (size_t i = 0; i < order.size(); ++i) {
    if (stop.Add(losses[order[i]]) == EarlyStop::Verdict::kGoOn) continue;
    *missed = true;
    return i + 1;
  }
  return stream.rows;
}

TEST(EarlyStopTest, NeverLetsAFailingModelThroughInTenThousandStreams) {
  std::mt19937_64 random(1);
  for (uint64_t seed = 0; seed < Rounds(10'000); ++seed) {
    Stream stream{.rows = 50 + random() % 500};
    double allowed = std::floor(0.01 * static_cast<double>(stream.rows));
    stream.won = random() % 10;
    stream.lost = static_cast<size_t>(allowed) + stream.won + 1 + random() % 20;
    bool missed = false;
    Play(stream, allowed, random() % 3, seed, &missed);
    ASSERT_TRUE(missed) << seed;
  }
}

TEST(EarlyStopTest, RejectsAPassingModelInFewerThanOneOfTenThousandStreams) {
  std::mt19937_64 random(2);
  int rejected = 0;
  for (uint64_t seed = 0; seed < Rounds(10'000); ++seed) {
    // At the very limit, where mistakes are likeliest.
    Stream stream{.rows = 200 + random() % 800};
    double allowed = std::floor(0.02 * static_cast<double>(stream.rows));
    stream.won = random() % 30;
    stream.lost = static_cast<size_t>(allowed) + stream.won;
    bool missed = false;
    Play(stream, allowed, random() % 5, seed, &missed);
    rejected += missed ? 1 : 0;
  }
  EXPECT_LE(rejected, 1);
}

TEST(EarlyStopTest, SeesABadModelInATenthOfTheRows) {
  // 1 % may be lost of 1,000 rows, 20 % are: a test that looked at a fixed sample of 100 would do; this one peeks.
  size_t seen = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    bool missed = false;
    seen += Play({.rows = 1000, .lost = 200}, 10, 0, seed, &missed);
    ASSERT_TRUE(missed);
  }
  EXPECT_LT(seen / 100, 100u);
}

}  // namespace
}  // namespace ns
