#include "tune/accuracy_criterion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ns {
namespace {

TEST(AccuracyCriterionTest, RelativeLossIsAFractionOfTheBaseline) {
  AccuracyCriterion criterion;
  EXPECT_DOUBLE_EQ(criterion.Loss(0.8, 0.6), 0.25);  // 0.2 / 0.8
  EXPECT_DOUBLE_EQ(criterion.Limit(0.9), 0.891);
}

TEST(AccuracyCriterionTest, AcceptsExactlyTheLimitInSpiteOfRounding) {
  AccuracyCriterion criterion;  // (0.9 - 0.891) / 0.9 is 0.010000000000000009 in doubles
  EXPECT_TRUE(criterion.Accepts(0.9, 0.891));
  EXPECT_FALSE(criterion.Accepts(0.9, 0.8909));
}

TEST(AccuracyCriterionTest, AbsoluteLossIsInTheMetricsUnit) {
  AccuracyCriterion criterion{.kind = CriterionKind::kAbsolute, .tolerable_loss = 2};
  EXPECT_TRUE(criterion.Accepts(90, 88));
  EXPECT_FALSE(criterion.Accepts(90, 87.9));
}

TEST(AccuracyCriterionTest, LowerIsBetterTurnsTheSign) {
  AccuracyCriterion criterion{.tolerable_loss = 0.1, .higher_is_better = false};
  EXPECT_TRUE(criterion.Accepts(20.0, 21.9));  // perplexity 20 may rise to 22
  EXPECT_FALSE(criterion.Accepts(20.0, 22.1));
  EXPECT_TRUE(criterion.Accepts(20.0, 3.0));
}

TEST(AccuracyCriterionTest, ANegativeCorrelationBaselineKeepsItsSense) {
  AccuracyCriterion criterion{.tolerable_loss = 0.1};
  EXPECT_TRUE(criterion.Accepts(-0.5, -0.55));
  EXPECT_FALSE(criterion.Accepts(-0.5, -0.56));
}

TEST(AccuracyCriterionTest, ABaselineOfZeroAllowsNoRelativeLoss) {
  AccuracyCriterion criterion;
  EXPECT_TRUE(criterion.Accepts(0, 0));
  EXPECT_TRUE(criterion.Accepts(0, 0.1));
  EXPECT_FALSE(criterion.Accepts(0, -0.001));
}

TEST(AccuracyCriterionTest, NanAndInfinityNeverPass) {
  AccuracyCriterion criterion{.kind = CriterionKind::kAbsolute, .tolerable_loss = 1000};
  EXPECT_FALSE(criterion.Accepts(0.9, std::nan("")));
  EXPECT_FALSE(criterion.Accepts(0.9, std::numeric_limits<double>::infinity()));
}

TEST(AccuracyCriterionTest, ANegativeToleranceAsksForAGain) {
  AccuracyCriterion criterion{.kind = CriterionKind::kAbsolute, .tolerable_loss = -0.05};
  EXPECT_FALSE(criterion.Accepts(0.9, 0.9));
  EXPECT_TRUE(criterion.Accepts(0.9, 0.95));
}

TEST(AccuracyCriterionTest, ExplainsWithTheLimit) {
  AccuracyCriterion criterion;
  EXPECT_EQ(criterion.Explain(0.9, 0.8915), "0.8915 holds the limit 0.8910 (0.9000 less 1 %)");
  EXPECT_EQ(criterion.Explain(0.9, 0.8), "0.8000 misses the limit 0.8910 (0.9000 less 1 %) by 0.0910");
}

TEST(AccuracyCriterionTest, RefusesAnUnknownKind) {
  auto kind = CriterionKindByName("relativ");
  ASSERT_FALSE(kind.ok());
  EXPECT_EQ(kind.status().reason(), "UNKNOWN_CRITERION");
}

}  // namespace
}  // namespace ns
