#include "data/statistics.h"

#include <gtest/gtest.h>

#include <vector>

namespace ns {
namespace {

TEST(StatisticsTest, RightAndWrongRowsFollowAgrestiAndMin) {
  // 100 rows; 3 only the candidate got right, 8 only the baseline: d = -0.05. b' = 3.5, c' = 8.5, n' = 102: centre
  // -5/102 = -0.0490196, half = 1.959964 · √(12 - 25/102) / 102 = 1.959964 · 3.428544 / 102 = 0.0658804.
  std::vector<RowScore> candidate(100, {1, 1});
  std::vector<RowScore> baseline(100, {1, 1});
  for (size_t i = 0; i < 3; ++i) baseline[i].sum = 0;
  for (size_t i = 3; i < 11; ++i) candidate[i].sum = 0;
  auto interval = PairedDifference(candidate, baseline);
  ASSERT_TRUE(interval.ok());
  EXPECT_DOUBLE_EQ(interval->value, -0.05);
  EXPECT_NEAR(interval->low, -0.1149000, 1e-6);
  EXPECT_NEAR(interval->high, 0.0168608, 1e-6);
}

TEST(StatisticsTest, NoDifferenceInFewRowsStillHasAWidth) {
  // n' = 12, b' = c' = 0.5: ± 1.959964 / 12 = 0.163330.
  std::vector<RowScore> same(10, {1, 1});
  auto interval = PairedDifference(same, same);
  EXPECT_EQ(interval->value, 0);
  EXPECT_NEAR(interval->high, 0.163330, 1e-6);
  EXPECT_NEAR(interval->low, -0.163330, 1e-6);
}

TEST(StatisticsTest, OtherScoresUseStudentsT) {
  // Differences 1, 2, 3: mean 2, standard deviation 1, t(2) = 4.3027: half = 4.3027 / √3 = 2.484165.
  std::vector<RowScore> candidate = {{2, 1}, {4, 1}, {6, 1}};
  std::vector<RowScore> baseline = {{1, 1}, {2, 1}, {3, 1}};
  auto interval = PairedDifference(candidate, baseline);
  EXPECT_NEAR(interval->value, 2, 1e-12);
  EXPECT_NEAR(interval->low, 2 - 2.484165, 1e-5);
  EXPECT_NEAR(interval->high, 2 + 2.484165, 1e-5);
}

TEST(StatisticsTest, WeightsMakeARatio) {
  // Σ sums -1 + 0 over weights 2 + 3: d = -0.2; e = (-1 + 0.4) / 2.5 = -0.24 and (0 + 0.6) / 2.5 = 0.24; s² = 0.1152;
  // half = 12.7062 · √(0.1152 / 2) = 3.049488.
  auto interval = PairedDifference(std::vector<RowScore>{{1, 2}, {3, 3}}, std::vector<RowScore>{{2, 2}, {3, 3}});
  EXPECT_NEAR(interval->value, -0.2, 1e-12);
  EXPECT_NEAR(interval->high, -0.2 + 3.049488, 1e-5);
}

TEST(StatisticsTest, ScoresOfOtherRowsAreRefused) {
  std::vector<RowScore> one(1);
  EXPECT_EQ(PairedDifference(one, std::vector<RowScore>(2)).status().reason(), "ROW_COUNT_MISMATCH");
  EXPECT_EQ(PairedDifference(one, std::vector<RowScore>{{0, 2}}).status().reason(), "ROW_COUNT_MISMATCH");
  EXPECT_EQ(PairedDifference({}, {}).status().reason(), "NO_ROWS");
}

TEST(StatisticsTest, StudentsQuantilesMatchTheTables) {
  // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
  EXPECT_NEAR(StudentT975(1), 12.706, 1e-3);
  EXPECT_NEAR(StudentT975(10), 2.228, 1e-3);
  EXPECT_NEAR(StudentT975(11), 2.201, 1e-3);
  EXPECT_NEAR(StudentT975(30), 2.042, 1e-3);
  EXPECT_NEAR(StudentT975(100), 1.984, 1e-3);
}

}  // namespace
}  // namespace ns
