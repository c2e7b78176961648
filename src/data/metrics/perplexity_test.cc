#include "data/metrics/perplexity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ns {
namespace {

TEST(PerplexityTest, OfEqualLogitsIsTheVocabularysSize) {
  PerplexityMetric metric({});
  ASSERT_TRUE(
      metric.Update(Tensor(DType::kFloat, {1, 3, 4}).view(), Tensor::From<int64_t>({1, 3}, {0, 3, -100}).view()).ok());
  EXPECT_NEAR(metric.value().value(), 4.0, 1e-12);
}

TEST(PerplexityTest, IsTheExponentialOfTheMeanOverPositions) {
  // Logits ln 3, 0: probabilities 3/4 and 1/4. Labels 0 and 1: exp(-(ln 0.75 + ln 0.25)/2) = 1/√0.1875. Large logits
  // must not overflow.
  float log3 = std::log(3.0f);
  PerplexityMetric metric({});
  ASSERT_TRUE(metric
                  .Update(Tensor::From<float>({1, 2, 2}, {log3 + 1000, 1000, log3, 0}).view(),
                          Tensor::From<int64_t>({1, 2}, {0, 1}).view())
                  .ok());
  EXPECT_NEAR(metric.value().value(), 1 / std::sqrt(0.1875), 1e-4);
}

TEST(PerplexityTest, ShiftedLabelsAreThoseOfTheNextPosition) {
  // Position 0 gives label 1 at position 1 the probability 1/4; the last position has no label, the first label no
  // position.
  MetricOptions options;
  options.label_shift = 1;
  PerplexityMetric metric(options);
  ASSERT_TRUE(metric
                  .Update(Tensor::From<float>({1, 2, 2}, {std::log(3.0f), 0, 9, 0}).view(),
                          Tensor::From<int64_t>({1, 2}, {0, 1}).view())
                  .ok());
  EXPECT_NEAR(metric.value().value(), 4.0, 1e-5);
}

TEST(PerplexityTest, AnImpossibleLabelIsAnError) {
  PerplexityMetric metric({});
  float never = -std::numeric_limits<float>::infinity();
  Status status =
      metric.Update(Tensor::From<float>({1, 1, 2}, {0, never}).view(), Tensor::From<int64_t>({1, 1}, {1}).view());
  EXPECT_EQ(status.reason(), "NON_FINITE_OUTPUT");
  EXPECT_EQ(metric.value().status().reason(), "NO_DATA");
}

}  // namespace
}  // namespace ns
