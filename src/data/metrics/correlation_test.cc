// Pearson and Spearman.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/metrics/pearson.h"
#include "data/metrics/spearman.h"

namespace ns {
namespace {

template <typename M>
Result<double> Value(std::initializer_list<float> output, std::initializer_list<float> labels) {
  M metric({});
  auto rows = static_cast<int64_t>(output.size());
  NS_RETURN_IF_ERROR(
      metric.Update(Tensor::From<float>({rows, 1}, output).view(), Tensor::From<float>({rows}, labels).view()));
  return metric.value();
}

TEST(CorrelationTest, PearsonOfALineIsOneAndOfItsMirrorMinusOne) {
  EXPECT_NEAR((Value<PearsonMetric>({1, 2, 3}, {10, 20, 30}).value()), 1.0, 1e-12);
  EXPECT_NEAR((Value<PearsonMetric>({1, 2, 3}, {3, 2, 1}).value()), -1.0, 1e-12);
}

TEST(CorrelationTest, PearsonOfFourPairs) {
  // x 1 2 3 4, y 1 3 2 6: Σ(x-x̄)(y-ȳ) = 7, Σ(x-x̄)² = 5, Σ(y-ȳ)² = 14: 7/√70.
  EXPECT_NEAR((Value<PearsonMetric>({1, 2, 3, 4}, {1, 3, 2, 6}).value()), 7 / std::sqrt(70.0), 1e-12);
}

TEST(CorrelationTest, SpearmanComparesRanksAndEqualValuesShareThem) {
  // Ranks 1 2 3 4 and 1 3 2 4: 1 - 6·2/(4·15) = 0.8.
  EXPECT_NEAR((Value<SpearmanMetric>({1, 2, 3, 4}, {1, 3, 2, 600}).value()), 0.8, 1e-12);
  // Ranks 1 2.5 2.5 4 and 1 2 3 4: Σ products of centred ranks 4.5, squares 4.5 and 5: 4.5/√22.5.
  EXPECT_NEAR((Value<SpearmanMetric>({1, 2, 2, 3}, {1, 2, 3, 4}).value()), 4.5 / std::sqrt(22.5), 1e-12);
}

TEST(CorrelationTest, ConstantsHaveNone) {
  Status status = Value<PearsonMetric>({2, 2}, {1, 3}).status();
  EXPECT_EQ(status.reason(), "UNDEFINED_METRIC");
  EXPECT_EQ(status.message(), "metric pearson has no value: all outputs of the 2 rows are equal");
  EXPECT_EQ((Value<SpearmanMetric>({1, 2}, {3, 3}).status().message()),
            "metric spearman has no value: all labels of the 2 rows are equal");
  EXPECT_EQ(PearsonMetric({}).value().status().reason(), "NO_DATA");
  EXPECT_EQ(SpearmanMetric({}).value().status().reason(), "NO_DATA");
}

TEST(CorrelationTest, NonFiniteOutputsAndOtherShapesAreRefused) {
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ((Value<PearsonMetric>({1, infinity}, {1, 2}).status().message()),
            "metric pearson: the model's output for row 1 of the batch is NaN or infinite");
  SpearmanMetric metric({});
  EXPECT_EQ(metric.Update(Tensor::From<float>({1, 2}, {1, 2}).view(), Tensor::From<float>({1}, {1}).view()).reason(),
            "SHAPE_MISMATCH");
}

}  // namespace
}  // namespace ns
