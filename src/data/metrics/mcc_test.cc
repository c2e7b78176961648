#include "data/metrics/mcc.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ns {
namespace {

Result<double> Mcc(const Tensor& predicted, const Tensor& labels) {
  MccMetric metric({});
  NS_RETURN_IF_ERROR(metric.Update(predicted.view(), labels.view()));
  return metric.value();
}

TEST(MccTest, OfTwoClassesIsThePhiCoefficient) {
  // TP 2, FP 1, FN 2, TN 1: (2·1 - 1·2) / √(3·4·2·3) = 0. With one more TN: (2·2 - 1·2) / √(3·4·3·4) = 2/12.
  EXPECT_DOUBLE_EQ(
      Mcc(Tensor::From<int64_t>({6}, {1, 1, 1, 0, 0, 0}), Tensor::From<int64_t>({6}, {1, 1, 0, 1, 1, 0})).value(), 0.0);
  EXPECT_DOUBLE_EQ(
      Mcc(Tensor::From<int64_t>({7}, {1, 1, 1, 0, 0, 0, 0}), Tensor::From<int64_t>({7}, {1, 1, 0, 1, 1, 0, 0})).value(),
      1.0 / 6);
}

TEST(MccTest, OfThreeClassesFollowsGorodkin) {
  // Labels 0 1 2 2, predicted 0 2 2 2: s 4, c 3, p (1, 0, 3), t (1, 1, 2): (12 - 7) / √((16 - 10)(16 - 6)) = 5/√60.
  double value = Mcc(Tensor::From<int64_t>({4}, {0, 2, 2, 2}), Tensor::From<int64_t>({4}, {0, 1, 2, 2})).value();
  EXPECT_NEAR(value, 5 / std::sqrt(60.0), 1e-12);
}

TEST(MccTest, OppositeIsMinusOneAndAConstantIsZero) {
  EXPECT_DOUBLE_EQ(Mcc(Tensor::From<int64_t>({2}, {1, 0}), Tensor::From<int64_t>({2}, {0, 1})).value(), -1.0);
  EXPECT_DOUBLE_EQ(Mcc(Tensor::From<int64_t>({2}, {1, 1}), Tensor::From<int64_t>({2}, {0, 1})).value(), 0.0);
}

// One is kept for each row of an evaluation.
TEST(MccTest, AStateHasTheClassesThatWereSeenAndNoOthers) {
  MccMetric metric({});
  ASSERT_TRUE(metric.Update(Tensor::From<int64_t>({1}, {1'000'000}).view(), Tensor::From<int64_t>({1}, {7}).view()).ok());
  EXPECT_EQ(metric.state(), (std::vector<double>{7, 1, 0, 0, 1'000'000, 0, 1, 0}));
}

}  // namespace
}  // namespace ns
