#include "data/metrics/accuracy.h"

#include <gtest/gtest.h>

#include <limits>

#include "data/float16.h"

namespace ns {
namespace {

Result<double> Accuracy(const Tensor& output, const Tensor& labels) {
  AccuracyMetric metric({});
  NS_RETURN_IF_ERROR(metric.Update(output.view(), labels.view()));
  return metric.value();
}

const Tensor kScores =
    Tensor::From<float>({3, 2}, {0.1f, 0.9f, 2.0f, -1.0f, 0.5f, 0.5f});  // classes 1, 0, 0 (the first of equals)

TEST(AccuracyTest, CountsRowsWhoseHighestScoreIsTheLabel) {
  EXPECT_DOUBLE_EQ(Accuracy(kScores, Tensor::From<int64_t>({3}, {1, 0, 1})).value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(Accuracy(kScores, Tensor::From<int32_t>({3, 1}, {1, 0, 0})).value(), 1.0);
}

TEST(AccuracyTest, TokensLabelledMinus100DontCountAndARowWeighsItsTokens) {
  // Two rows of three tokens: classes 1 1 0 and 0 1 1; labels 1 0 - and - - 1: 2 of 3 right.
  Tensor output = Tensor::From<float>({2, 3, 2}, {0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1});
  Tensor labels = Tensor::From<int64_t>({2, 3}, {1, 0, -100, -100, -100, 1});
  AccuracyMetric metric({});
  ASSERT_TRUE(metric.Update(output.view(), labels.view()).ok());
  EXPECT_DOUBLE_EQ(metric.value().value(), 2.0 / 3);
  ASSERT_EQ(metric.row_scores().size(), 2u);
  EXPECT_EQ(metric.row_scores()[0], (RowScore{1, 2}));
  EXPECT_EQ(metric.row_scores()[1], (RowScore{1, 1}));
}

TEST(AccuracyTest, RowsBeyondTheLabelsAreAFilledUpBatchAndDontCount) {
  EXPECT_DOUBLE_EQ(Accuracy(kScores, Tensor::From<int64_t>({1}, {1})).value(), 1.0);
}

TEST(AccuracyTest, TakesClassesInsteadOfScoresAndHalfPrecision) {
  EXPECT_DOUBLE_EQ(Accuracy(Tensor::From<int64_t>({4}, {3, 1, 2, 0}), Tensor::From<int64_t>({4}, {3, 1, 0, 0})).value(),
                   0.75);
  Tensor half(DType::kFloat16, {1, 2});
  static_cast<uint16_t*>(half.mutable_data())[1] = FloatToHalf(0.5f);
  EXPECT_DOUBLE_EQ(Accuracy(half, Tensor::From<int64_t>({1}, {1})).value(), 1.0);
}

TEST(AccuracyTest, WholeFloatLabelsAreClasses) {
  EXPECT_DOUBLE_EQ(Accuracy(kScores, Tensor::From<float>({3}, {1, 0, 0})).value(), 1.0);
  EXPECT_EQ(Accuracy(kScores, Tensor::From<float>({3}, {1, 0.5f, 0})).status().reason(), "BAD_VALUE");
}

TEST(AccuracyTest, RefusesWhatDoesNotFitAndCountsNothingOfIt) {
  AccuracyMetric metric({});
  auto reason = [&](const Tensor& output, const Tensor& labels) {
    return metric.Update(output.view(), labels.view()).reason();
  };
  EXPECT_EQ(reason(kScores, Tensor::From<int64_t>({3}, {1, 0, 2})), "LABEL_OUT_OF_RANGE");
  EXPECT_EQ(reason(kScores, Tensor::From<int64_t>({3}, {1, 0, -1})), "LABEL_OUT_OF_RANGE");
  EXPECT_EQ(reason(kScores, Tensor::From<int64_t>({4}, {1, 0, 1, 1})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor::From<float>({2, 1}, {1, 2}), Tensor::From<int64_t>({2}, {0, 0})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor::From<float>({2}, {1, 2}), Tensor::From<int64_t>({2}, {0, 0})), "SHAPE_MISMATCH");
  EXPECT_EQ(reason(Tensor::From<float>({}, {1}), Tensor::From<int64_t>({}, {0})), "SHAPE_MISMATCH");
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(reason(Tensor::From<float>({1, 2}, {0, nan}), Tensor::From<int64_t>({1}, {0})), "NON_FINITE_OUTPUT");
  EXPECT_EQ(metric.value().status().reason(), "NO_DATA");
  Status status = metric.Update(kScores.view(), Tensor::From<int64_t>({3}, {1, 0, 2}).view());
  EXPECT_EQ(status.message(), "metric accuracy: label 2 in row 2 of the batch is not one of the output's 2 classes");
}

TEST(AccuracyTest, AMaskedClassMayScoreMinusInfinity) {
  float masked = -std::numeric_limits<float>::infinity();
  EXPECT_DOUBLE_EQ(Accuracy(Tensor::From<float>({1, 2}, {masked, 0}), Tensor::From<int64_t>({1}, {1})).value(), 1.0);
}

}  // namespace
}  // namespace ns
