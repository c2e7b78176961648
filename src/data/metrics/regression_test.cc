// Mean squared and mean absolute error.
#include "data/metrics/regression.h"

#include <gtest/gtest.h>

#include "data/metrics/mae.h"
#include "data/metrics/mse.h"

namespace ns {
namespace {

TEST(RegressionTest, ErrorsAreMeansOverElements) {
  // Differences 1, -3 in the first row, 0, 2 in the second: squares 14/4, absolute 6/4.
  Tensor output = Tensor::From<float>({2, 2}, {1, 0, 5, 6});
  Tensor labels = Tensor::From<int64_t>({2, 2}, {0, 3, 5, 4});
  MseMetric mse({});
  MaeMetric mae({});
  ASSERT_TRUE(mse.Update(output.view(), labels.view()).ok());
  ASSERT_TRUE(mae.Update(output.view(), labels.view()).ok());
  EXPECT_DOUBLE_EQ(mse.value().value(), 3.5);
  EXPECT_DOUBLE_EQ(mae.value().value(), 1.5);
  EXPECT_EQ(mse.row_scores()[0], (RowScore{10, 2}));
  EXPECT_FALSE(mse.higher_is_better());
}

TEST(RegressionTest, DoublesKeepTheirDigits) {
  auto pairs =
      MatchRegression(Tensor::From<double>({1}, {0.1}).view(), Tensor::From<double>({1}, {0.1 + 1e-12}).view());
  EXPECT_NE(pairs->output[0], pairs->target[0]);
}

TEST(RegressionTest, RowsBeyondTheLabelsDontCount) {
  MaeMetric mae({});
  ASSERT_TRUE(mae.Update(Tensor::From<float>({3, 1}, {1, 2, 99}).view(), Tensor::From<float>({2}, {1, 1}).view()).ok());
  EXPECT_DOUBLE_EQ(mae.value().value(), 0.5);
}

}  // namespace
}  // namespace ns
