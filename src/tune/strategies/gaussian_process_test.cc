#include "tune/strategies/gaussian_process.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace ns {
namespace {

// Points of two dimensions: h is 0, 0.5 or 1.
const GaussianProcess::Kernel kOverlapOnly{.overlap = 1, .length = 1, .noise = 0.25, .variance = 4};

TEST(GaussianProcessTest, OneObservationGivesTheClosedForm) {
  GaussianProcess process({{{0, 0}, 3}}, kOverlapOnly);
  // Over σ²: K = 1 + 0.25, k* = 1 - h. Mean k*/K y, variance σ² (1 - k*²/K).
  EXPECT_DOUBLE_EQ(process.At({0, 0}).mean, 1 / 1.25 * 3);
  EXPECT_DOUBLE_EQ(process.At({0, 0}).deviation, std::sqrt(4 * (1 - 1 / 1.25)));
  EXPECT_DOUBLE_EQ(process.At({0, 1}).mean, 0.5 / 1.25 * 3);
  EXPECT_DOUBLE_EQ(process.At({0, 1}).deviation, std::sqrt(4 * (1 - 0.25 / 1.25)));
  EXPECT_DOUBLE_EQ(process.At({1, 1}).mean, 0);
  EXPECT_DOUBLE_EQ(process.At({1, 1}).deviation, 2);
}

TEST(GaussianProcessTest, TwoObservationsGiveTheInverseByHand) {
  GaussianProcess process({{{0, 0}, 1}, {{0, 1}, -1}}, kOverlapOnly);
  // K = [1.25 0.5; 0.5 1.25], det = 1.3125; K⁻¹ y = (1.75, -1.75) / 1.3125 = (4/3, -4/3); k* of {0, 0} = (1, 0.5): 2/3.
  EXPECT_NEAR(process.At({0, 0}).mean, 2.0 / 3, 1e-12);
  // k*ᵀ K⁻¹ k* = (1.25 - 2 · 0.25 + 0.25 · 1.25) / 1.3125 = 1.0625 / 1.3125.
  EXPECT_NEAR(process.At({0, 0}).deviation, 2 * std::sqrt(1 - 1.0625 / 1.3125), 1e-12);
  // -½ (yᵀ K⁻¹ y / σ² + ln |K| + n ln 2πσ²), yᵀ K⁻¹ y = 8/3.
  EXPECT_NEAR(process.log_likelihood(), -0.5 * (8.0 / 3 / 4 + std::log(1.3125) + 2 * std::log(8 * std::numbers::pi)), 1e-12);
}

TEST(GaussianProcessTest, TheExponentialPartFallsWithTheHammingDistance) {
  GaussianProcess process({{{0, 0}, 1}}, {.overlap = 0, .length = 0.5, .noise = 0, .variance = 1});
  EXPECT_NEAR(process.At({0, 1}).mean, std::exp(-1), 1e-12);
  EXPECT_NEAR(process.At({1, 1}).mean, std::exp(-2), 1e-12);
}

TEST(GaussianProcessTest, ANoisierObservationCountsLess) {
  GaussianProcess process({{{0, 0}, 1, 0.75}}, kOverlapOnly);
  EXPECT_DOUBLE_EQ(process.At({0, 0}).mean, 0.5);  // 1 / (1 + 0.25 + 0.75)
}

TEST(GaussianProcessTest, AddingIsTheSameAsHavingHadItFromTheStart) {
  GaussianProcess process({{{0, 0}, 1}}, kOverlapOnly);
  process.Add({{0, 1}, -1});
  EXPECT_NEAR(process.At({1, 0}).mean, GaussianProcess({{{0, 0}, 1}, {{0, 1}, -1}}, kOverlapOnly).At({1, 0}).mean, 1e-12);
}

// y = Σ effects: with most of the points known the others follow.
TEST(GaussianProcessTest, LearnsASumOfEffects) {
  const double effects[] = {1, -2, 0.5, 0, 3};
  auto value = [&](unsigned bits) {
    double sum = -1;
    for (unsigned i = 0; i < 5; ++i) sum += bits >> i & 1 ? effects[i] : 0;
    return sum / 2;
  };
  auto point = [](unsigned bits) {
    GridPoint one;
    for (unsigned i = 0; i < 5; ++i) one.push_back(bits >> i & 1);
    return one;
  };
  std::vector<Observed> observed;
  for (unsigned bits = 0; bits < 32; bits += 2) observed.push_back({point(bits ^ (bits >> 1)), value(bits ^ (bits >> 1))});
  GaussianProcess process(observed);
  for (unsigned bits = 1; bits < 32; bits += 2) {
    unsigned unseen = bits ^ (bits >> 1);
    EXPECT_NEAR(process.At(point(unseen)).mean, value(unseen), 0.25) << unseen;
  }
}

TEST(GaussianProcessTest, HundredsOfEqualPointsCanBeDecomposed) {
  GaussianProcess process(std::vector<Observed>(256, Observed{{0, 0, 0}, 1}));
  EXPECT_NEAR(process.At({0, 0, 0}).mean, 1, 0.01);
}

}  // namespace
}  // namespace ns
