#include "quantize/calibration/methods.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ns {
namespace {

TensorObserver Observe(const std::vector<float>& values) {
  TensorObserver observer({.histogram = true, .batch_ranges = true});
  EXPECT_TRUE(observer.Observe(0, values).ok());
  return observer;
}

// 0.5, 1.5, ... 999.5: 98 % keeps all but 1 % (ten values) at either end: [10, 990]. 1000 values reach 999.5 < 1024, so bins are 0.5 wide.
TEST(PercentileTest, CutsHalfTheRestAtEachEnd) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<float>(i) + 0.5f);
  TensorObserver observer = Observe(values);
  ASSERT_EQ(observer.histogram().width(), 0.5);
  Range range = PercentileRange(observer.histogram(), *observer.range(), 98.0);
  EXPECT_NEAR(range.min, 10.5f, 0.51f);
  EXPECT_NEAR(range.max, 989.5f, 0.51f);
}

TEST(PercentileTest, AHundredKeepsAll) {
  TensorObserver observer = Observe({-3.0f, 0.25f, 7.0f});
  Range range = PercentileRange(observer.histogram(), *observer.range(), 100.0);
  EXPECT_NEAR(range.min, -3.0f, observer.histogram().width());
  EXPECT_EQ(range.max, 7.0f);
}

std::vector<float> NormalWithOutlier(float outlier) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(100'000);
  for (float& x : values) x = normal(random);
  values.push_back(outlier);
  return values;
}

// 100,000 normal values and one of 40: an upper end R costs (40 - R)^2 for the outlier and 100,000 * ((R + 4) / 255)^2 / 12 for the
// steps of all others (uniform error in a step); the sum is least where 80 - 2 R = 0.256 (R + 4), at R = 35.
TEST(MseTest, TradesAnOutlierAgainstTheSteps) {
  TensorObserver observer = Observe(NormalWithOutlier(40.0f));
  Range range = MseRange(observer.histogram(), *observer.range());
  EXPECT_NEAR(range.max, 35.0f, 1.5f);
  EXPECT_GT(range.min, -5.0f);
}

TEST(MseTest, KeepsAUniformRangeWhole) {
  std::vector<float> values;
  for (int i = 0; i <= 4096; ++i) values.push_back(static_cast<float>(i) / 4096.0f);
  TensorObserver observer = Observe(values);
  Range range = MseRange(observer.histogram(), *observer.range());
  EXPECT_NEAR(range.max, 1.0f, 0.011f);
  EXPECT_EQ(range.min, 0.0f);
}

TEST(EntropyTest, CutsASingleFarOutlier) {
  TensorObserver observer = Observe(NormalWithOutlier(40.0f));
  Range range = EntropyRange(observer.histogram(), *observer.range());
  EXPECT_LT(range.max, 20.0f);
  EXPECT_GT(range.max, 2.5f);
}

TEST(EntropyTest, KeepsAUniformRangeWhole) {
  std::vector<float> values;
  for (int i = 0; i < 8192; ++i) values.push_back(static_cast<float>(i) / 8192.0f);
  TensorObserver observer = Observe(values);
  EXPECT_GT(EntropyRange(observer.histogram(), *observer.range()).max, 0.97f);
}

TEST(RangeByMethodTest, EachMethodNeedsItsStatisticsAndBounds) {
  TensorObserver plain({});
  std::vector<float> values = {-1, 2};
  ASSERT_TRUE(plain.Observe(0, values).ok());
  QuantConfig config;
  EXPECT_EQ(*RangeByMethod(plain, CalibrationMethod::kMinMax, config), (Range{-1, 2}));
  EXPECT_EQ(RangeByMethod(plain, CalibrationMethod::kEntropy, config).status().reason(), "NO_DATA");
  config.percentile = 40;
  EXPECT_EQ(RangeByMethod(Observe(values), CalibrationMethod::kPercentile, config).status().reason(), "BAD_PERCENTILE");
  config.averaging_constant = 0;
  EXPECT_EQ(RangeByMethod(Observe(values), CalibrationMethod::kMovingAverage, config).status().reason(), "BAD_AVERAGING_CONSTANT");
}

TEST(RangeByMethodTest, AllMethodsTakeAConstantTensor) {
  for (float constant : {0.0f, 5.0f, -2.0f}) {
    TensorObserver observer = Observe({constant, constant});
    for (auto method : {CalibrationMethod::kMinMax, CalibrationMethod::kMovingAverage, CalibrationMethod::kEntropy,
                        CalibrationMethod::kPercentile, CalibrationMethod::kMse}) {
      Range range = RangeByMethod(observer, method, QuantConfig()).value();
      EXPECT_EQ(range, (Range{constant, constant})) << CalibrationMethodName(method);
    }
  }
}

}  // namespace
}  // namespace ns
