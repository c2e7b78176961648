#include "data/metrics/agreement.h"

#include <gtest/gtest.h>

#include <limits>

namespace ns {
namespace {

TEST(AgreementTest, CountsRowsWhereBothModelsChooseTheSameClass) {
  AgreementMetric metric({});
  Tensor ours = Tensor::From<float>({3, 2}, {1, 0, 0, 1, 0, 1});
  Tensor fp32 = Tensor::From<float>({3, 2}, {5, 1, 3, 2, 0, 9});
  ASSERT_TRUE(metric.Update(ours.view(), fp32.view()).ok());
  EXPECT_DOUBLE_EQ(metric.value().value(), 2.0 / 3);
  EXPECT_EQ(metric.target(), MetricTarget::kReference);
}

TEST(AgreementTest, CountsEveryPositionAndTakesClasses) {
  AgreementMetric tokens({});
  ASSERT_TRUE(tokens
                  .Update(Tensor::From<float>({1, 2, 2}, {1, 0, 1, 0}).view(),
                          Tensor::From<float>({1, 2, 2}, {1, 0, 0, 1}).view())
                  .ok());
  EXPECT_EQ(tokens.row_scores()[0], (RowScore{1, 2}));
  AgreementMetric classes({});
  ASSERT_TRUE(
      classes.Update(Tensor::From<int64_t>({2}, {4, 5}).view(), Tensor::From<int64_t>({2}, {4, 6}).view()).ok());
  EXPECT_DOUBLE_EQ(classes.value().value(), 0.5);
}

TEST(AgreementTest, RefusesOtherShapesSingleScoresAndNan) {
  AgreementMetric metric({});
  auto reason = [&](const Tensor& ours, const Tensor& fp32) {
    return metric.Update(ours.view(), fp32.view()).reason();
  };
  EXPECT_EQ(reason(Tensor(DType::kFloat, {2, 3}), Tensor(DType::kFloat, {2, 4})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor(DType::kFloat, {2, 1}), Tensor(DType::kFloat, {2, 1})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor(DType::kFloat, {2}), Tensor(DType::kFloat, {2})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor(DType::kFloat, {}), Tensor(DType::kFloat, {})), "SHAPE_MISMATCH");
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(reason(Tensor::From<float>({1, 2}, {nan, 0}), Tensor(DType::kFloat, {1, 2})), "NON_FINITE_OUTPUT");
}

}  // namespace
}  // namespace ns
