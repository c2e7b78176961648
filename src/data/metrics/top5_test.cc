#include "data/metrics/top5.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(Top5Test, CountsLabelsAmongTheFiveHighest) {
  Top5Metric metric({});
  Tensor output = Tensor::From<float>({3, 7}, {7, 6, 5, 4, 3, 2, 1,    // label 4: fifth, right
                                               7, 6, 5, 4, 3, 2, 1,    // label 5: sixth, wrong
                                               0, 0, 0, 0, 0, 0, 0});  // label 5: five equal ones come before it, wrong
  ASSERT_TRUE(metric.Update(output.view(), Tensor::From<int64_t>({3}, {4, 5, 5}).view()).ok());
  EXPECT_DOUBLE_EQ(metric.value().value(), 1.0 / 3);
}

TEST(Top5Test, WithFiveClassesEveryLabelIsRight) {
  Top5Metric metric({});
  ASSERT_TRUE(
      metric.Update(Tensor::From<float>({1, 5}, {5, 4, 3, 2, 1}).view(), Tensor::From<int64_t>({1}, {4}).view()).ok());
  EXPECT_DOUBLE_EQ(metric.value().value(), 1.0);
}

TEST(Top5Test, ClassesInsteadOfScoresAreRefused) {
  Top5Metric metric({});
  Status status = metric.Update(Tensor::From<int64_t>({1}, {4}).view(), Tensor::From<int64_t>({1}, {4}).view());
  EXPECT_EQ(status.reason(), "SHAPE_MISMATCH");
}

}  // namespace
}  // namespace ns
