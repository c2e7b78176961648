#include "data/metrics/f1.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

using Average = F1Metric::Average;

Result<double> F1(Average average, const Tensor& predicted, const Tensor& labels, const MetricOptions& options = {}) {
  F1Metric metric(average, options);
  NS_RETURN_IF_ERROR(metric.Update(predicted.view(), labels.view()));
  return metric.value();
}

TEST(F1Test, IsTheHarmonicMeanOfPrecisionAndRecall) {
  // Class 1: predicted 3 times, labelled 4 times, both 2 times: 2 · 2 / 7.
  Tensor predicted = Tensor::From<int64_t>({6}, {1, 1, 1, 0, 0, 0});
  Tensor labels = Tensor::From<int64_t>({6}, {1, 1, 0, 1, 1, 0});
  EXPECT_DOUBLE_EQ(F1(Average::kBinary, predicted, labels).value(), 4.0 / 7);
  // Class 0: predicted 3 times, labelled 2 times, both once: 2 / 5.
  MetricOptions of_class_0;
  of_class_0.positive_label = 0;
  EXPECT_DOUBLE_EQ(F1(Average::kBinary, predicted, labels, of_class_0).value(), 2.0 / 5);
  EXPECT_DOUBLE_EQ(F1(Average::kMacro, predicted, labels).value(), (4.0 / 7 + 2.0 / 5) / 2);
}

TEST(F1Test, MacroLeavesOutClassesThatNeverOccur) {
  // Class 0: 2·1/(1+2), class 3: 2·1/(2+1), classes 1 and 2 never.
  Tensor predicted = Tensor::From<int64_t>({3}, {0, 3, 3});
  Tensor labels = Tensor::From<int64_t>({3}, {0, 0, 3});
  EXPECT_DOUBLE_EQ(F1(Average::kMacro, predicted, labels).value(), 2.0 / 3);
}

TEST(F1Test, IsZeroWhereThePositiveClassNeverOccurs) {
  Tensor zeros = Tensor::From<int64_t>({2}, {0, 0});
  EXPECT_DOUBLE_EQ(F1(Average::kBinary, zeros, zeros).value(), 0.0);
}

TEST(F1Test, BinaryRefusesAThirdClassAndNamesTheOtherMetric) {
  Tensor scores = Tensor::From<float>({1, 3}, {1, 0, 0});
  Status status = F1(Average::kBinary, scores, Tensor::From<int64_t>({1}, {0})).status();
  EXPECT_EQ(status.reason(), "LABEL_OUT_OF_RANGE");
  EXPECT_NE(status.message().find("f1_macro takes more"), std::string::npos) << status.message();
  EXPECT_TRUE(F1(Average::kMacro, scores, Tensor::From<int64_t>({1}, {0})).ok());
}

TEST(F1Test, HasNoValueBeforeARowCounted) {
  EXPECT_EQ(F1Metric(Average::kBinary, {}).value().status().reason(), "NO_DATA");
  EXPECT_EQ(F1(Average::kMacro, Tensor::From<int64_t>({1}, {0}), Tensor::From<int64_t>({1}, {-100})).status().reason(),
            "NO_DATA");
}

}  // namespace
}  // namespace ns
