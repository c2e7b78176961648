#include "quantize/observers/observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ns {
namespace {

TEST(HistogramTest, BinsAreAnchoredAtZeroAndHalfOpen) {
  ValueHistogram histogram;
  std::vector<float> values = {0.0f, 0.99f, 1.0f, -0.5f, -1.0f, 2047.0f, -2048.0f};
  histogram.Add(values, {-2048.0f, 2047.0f});
  EXPECT_EQ(histogram.width(), 1.0);
  EXPECT_EQ(histogram.count(0), 2);
  EXPECT_EQ(histogram.count(1), 1);
  EXPECT_EQ(histogram.count(-1), 2);
  EXPECT_EQ(histogram.count(2047), 1);
  EXPECT_EQ(histogram.count(-2048), 1);
}

TEST(HistogramTest, GrowingMergesPairsOfBins) {
  ValueHistogram histogram;
  std::vector<float> values = {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 2047.0f};
  histogram.Add(values, {-2.5f, 2047.0f});
  EXPECT_EQ(histogram.width(), 1.0);
  std::vector<float> larger = {2048.0f};  // one more than 2047.99 needs width 2
  histogram.Add(larger, {2048.0f, 2048.0f});
  EXPECT_EQ(histogram.width(), 2.0);
  EXPECT_EQ(histogram.count(0), 2);   // 0.5, 1.5
  EXPECT_EQ(histogram.count(1), 1);   // 2.5
  EXPECT_EQ(histogram.count(-1), 2);  // -0.5, -1.5
  EXPECT_EQ(histogram.count(-2), 1);  // -2.5
  EXPECT_EQ(histogram.count(1024), 1);
}

// The property that distributed calibration rests on: however the batches are shared out, the counts are the same.
TEST(HistogramTest, AnySplitOfTheBatchesGivesTheSameCounts) {
  std::mt19937 random(7);
  std::vector<std::vector<float>> batches;
  for (int i = 0; i < 12; ++i) {
    std::normal_distribution<float> normal(0, std::pow(10.0f, static_cast<float>(i % 5) - 3));
    auto& batch = batches.emplace_back(257);
    for (float& x : batch) x = normal(random);
  }
  auto observe = [&](const std::vector<int>& which) {
    TensorObserver observer({.histogram = true, .batch_ranges = true});
    for (int i : which) EXPECT_TRUE(observer.Observe(i, batches[static_cast<size_t>(i)]).ok());
    return observer;
  };
  TensorObserver whole = observe({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  TensorObserver a = observe({11, 3, 0}), b = observe({9, 8, 7, 6}), c = observe({1, 2, 4, 5, 10});
  a.Merge(b);
  a.Merge(c);
  EXPECT_EQ(*a.range(), *whole.range());
  EXPECT_EQ(*a.MovingAverage(0.1), *whole.MovingAverage(0.1));
  EXPECT_EQ(a.histogram().exponent(), whole.histogram().exponent());
  int64_t total = 0;
  for (int32_t bin = -ValueHistogram::kHalfBins; bin < ValueHistogram::kHalfBins; ++bin) {
    EXPECT_EQ(a.histogram().count(bin), whole.histogram().count(bin)) << bin;
    total += a.histogram().count(bin);
  }
  EXPECT_EQ(total, 12 * 257);
}

TEST(HistogramTest, SurvivesTheEndsOfFloat) {
  ValueHistogram histogram;
  std::vector<float> values = {3.4e38f, -3.4e38f, 1e-45f, 0.0f};
  histogram.Add(std::span(values).subspan(2), {0.0f, 1e-45f});
  histogram.Add(values, {-3.4e38f, 3.4e38f});
  int64_t total = 0;
  for (int32_t bin = -ValueHistogram::kHalfBins; bin < ValueHistogram::kHalfBins; ++bin) total += histogram.count(bin);
  EXPECT_EQ(total, 6);
}

TEST(TensorObserverTest, TheRangeIsOfAllBatches) {
  TensorObserver observer({});
  EXPECT_EQ(observer.range().status().reason(), "NO_DATA");
  std::vector<float> first = {1, 2}, second = {-3, 1.5f};
  ASSERT_TRUE(observer.Observe(0, first).ok());
  ASSERT_TRUE(observer.Observe(1, second).ok());
  EXPECT_EQ(*observer.range(), (Range{-3, 2}));
}

TEST(TensorObserverTest, RejectsNanAndKeepsTheEarlierRange) {
  TensorObserver observer({.histogram = true});
  std::vector<float> good = {1, 2};
  ASSERT_TRUE(observer.Observe(0, good).ok());
  for (float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    std::vector<float> values(200, 0.5f);
    values[130] = bad;  // in the part that whole vectors read
    EXPECT_EQ(observer.Observe(1, values).reason(), "NON_FINITE_VALUE");
    values[130] = 0;
    values[199] = bad;  // in the rest
    EXPECT_EQ(observer.Observe(1, values).reason(), "NON_FINITE_VALUE");
  }
  EXPECT_EQ(*observer.range(), (Range{1, 2}));
}

// 0 then 10 with c = 0.1: max = 0.9 * 1 + 0.1 * 11 = 2; the batch numbers decide the order, not the calls.
TEST(TensorObserverTest, TheMovingAverageFollowsTheBatchNumbers) {
  TensorObserver observer({.batch_ranges = true});
  std::vector<float> later = {0, 11}, earlier = {0, 1};
  ASSERT_TRUE(observer.Observe(5, later).ok());
  ASSERT_TRUE(observer.Observe(2, earlier).ok());
  EXPECT_EQ(*observer.MovingAverage(0.1), (Range{0, 2}));
}

}  // namespace
}  // namespace ns
