#include "worker/value_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using testing::ElementsAre;

TensorObserver Observed(const std::vector<float>& values) {
  TensorObserver observer({.histogram = true});
  EXPECT_TRUE(observer.Observe(0, values).ok());
  return observer;
}

// 4 values over [-1, 8]: bins of width 1 would be 10, of width 2 five, of width 4 four with -1 in [-4, 0).
TEST(CoarseHistogramTest, MergesByPowersOfTwoAroundZero) {
  TensorObserver observer = Observed({-1, 0, 3.5f, 8});
  HistogramReport coarse = CoarseHistogram(observer.histogram(), {-1, 8}, 4);
  EXPECT_EQ(coarse.low, -4);
  EXPECT_EQ(coarse.bin_width, 4);
  EXPECT_THAT(coarse.counts, ElementsAre(1, 2, 0, 1));
}

TEST(CoarseHistogramTest, HasBetween17And32BinsByItself) {
  TensorObserver observer = Observed({-0.3f, 0.1f, 0.9f});
  HistogramReport coarse = CoarseHistogram(observer.histogram(), {-0.3f, 0.9f});
  EXPECT_GT(coarse.counts.size(), 16u);
  EXPECT_LE(coarse.counts.size(), 32u);
  EXPECT_EQ(coarse.counts.front(), 1);
  EXPECT_EQ(coarse.counts.back(), 1);
}

TEST(CoarseHistogramTest, OneValueIsOneBin) {
  HistogramReport coarse = CoarseHistogram(Observed({0, 0}).histogram(), {0, 0});
  EXPECT_EQ(coarse.low, 0);
  EXPECT_THAT(coarse.counts, ElementsAre(2));
}

// 2,000 values: two of them (0.1 %) are 64, the others reach 1, an edge of a bin.
TEST(TailRatioTest, TellsHowFarThe1000thPartReaches) {
  std::vector<float> values(2000, 0.5f);
  values[0] = values[1] = 64;
  values[2] = -1;
  EXPECT_DOUBLE_EQ(TailRatio(Observed(values).histogram(), {-1, 64}), 64);
  values[3] = 64;  // one more than the 1000th part
  EXPECT_DOUBLE_EQ(TailRatio(Observed(values).histogram(), {-1, 64}), 1);
}

TEST(OutsideShareTest, CountsBothSides) {
  TensorObserver observer = Observed({-4, -1, 0, 0, 1, 1, 3, 4});
  EXPECT_DOUBLE_EQ(OutsideShare(observer.histogram(), {-2, 2}), 0.375) << "-4, 3 and 4 of 8";
  EXPECT_DOUBLE_EQ(OutsideShare(observer.histogram(), {-4, 4}), 0);
}

TEST(ChannelRatioTest, ComparesTheWidestWithTheMedian) {
  ChannelObserver channels(ChannelAxis::kLast);
  Tensor tensor(DType::kFloat, {2, 4});
  std::vector<float> values = {1, -2, 0.5f, 64, -0.5f, 1, 1, 3};  // reaches 1, 2, 1, 64
  std::copy(values.begin(), values.end(), tensor.mutable_values<float>().begin());
  ASSERT_TRUE(channels.Observe(tensor.view()).ok());
  EXPECT_EQ(ChannelRatio(channels), 32) << "the median of four is the third, 2";
  EXPECT_FALSE(ChannelRatio(ChannelObserver(ChannelAxis::kLast)));
}

TEST(ActivationFiguresTest, HoldsRangeAndWhatIntegersStandFor) {
  ActivationReport report = ActivationFigures("x", Observed({-1, 0, 2, 5}), Range{-1, 3}, nullptr).value();
  EXPECT_EQ(report.min, -1);
  EXPECT_EQ(report.max, 5);
  EXPECT_EQ(report.low, -1);
  EXPECT_EQ(report.high, 3);
  EXPECT_EQ(report.outside, 0.25);
  EXPECT_FALSE(report.channel_ratio);
  EXPECT_FALSE(ActivationFigures("x", TensorObserver({}), {}, nullptr).ok()) << "nothing was seen";
}

// Rows are input channels, columns output channels with reaches 3, 0.5 and 0.
TEST(WeightFiguresTest, TheNarrowestChannelThatIsNotZeroCounts) {
  Model model = Model::FromText(R"(<ir_version: 8, opset_import: ["" : 17]>
    g (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 0.5, 0, -3, 0.25, 0}> { y = MatMul(x, w) })").value();
  WeightReport report = WeightFigures(model, "w", 1).value();
  EXPECT_EQ(report, (WeightReport{3, 3, 6}));
}

}  // namespace
}  // namespace ns
