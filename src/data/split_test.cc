#include "data/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ns {
namespace {

// Every row at most once, all below `rows`, both sides ascending.
void ExpectDisjoint(const Split& split, int64_t rows) {
  std::set<int64_t> seen(split.calibration.begin(), split.calibration.end());
  seen.insert(split.evaluation.begin(), split.evaluation.end());
  EXPECT_EQ(seen.size(), split.calibration.size() + split.evaluation.size());
  EXPECT_GE(*seen.begin(), 0);
  EXPECT_LT(*seen.rbegin(), rows);
  EXPECT_TRUE(std::is_sorted(split.calibration.begin(), split.calibration.end()));
  EXPECT_TRUE(std::is_sorted(split.evaluation.begin(), split.evaluation.end()));
}

TEST(SplitTest, SplitsAHundredRowsOffButAtMostAFifth) {
  auto split = SplitRows(1000, {});
  ASSERT_TRUE(split.ok());
  EXPECT_EQ(split->calibration.size(), 100u);
  EXPECT_EQ(split->evaluation.size(), 900u);
  ExpectDisjoint(*split, 1000);
  EXPECT_EQ(split->notes, (std::vector<std::string>{"100 of 1000 rows split off for calibration (seed 0)"}));
  EXPECT_EQ(SplitRows(50, {})->calibration.size(), 10u);
  EXPECT_EQ(SplitRows(2, {})->calibration.size(), 1u);
}

TEST(SplitTest, TheSeedDecidesAndNothingElse) {
  SplitOptions options;
  options.seed = 7;
  EXPECT_EQ(SplitRows(1000, options)->calibration, SplitRows(1000, options)->calibration);
  EXPECT_NE(SplitRows(1000, options)->calibration, SplitRows(1000, {})->calibration);
}

TEST(SplitTest, ChosenRowsAreSpreadOverTheDataSet) {
  // Of 100 rows drawn at random from 1000 in order, each half holds about 50, with a deviation of 4.7; 25 is over five
  // of these.
  auto split = SplitRows(1000, {});
  int64_t low =
      std::count_if(split->calibration.begin(), split->calibration.end(), [](int64_t row) { return row < 500; });
  EXPECT_NEAR(static_cast<double>(low), 50, 25);
}

TEST(SplitTest, ARangeCalibratesAndIsNeverEvaluated) {
  SplitOptions options;
  options.calibration_range = RowRange{2, 5};
  auto split = SplitRows(7, options);
  ASSERT_TRUE(split.ok());
  EXPECT_EQ(split->calibration, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(split->evaluation, (std::vector<int64_t>{0, 1, 5, 6}));
  options.calibration_samples = 1;
  split = SplitRows(7, options);
  EXPECT_EQ(split->calibration.size(), 1u);
  EXPECT_EQ(split->evaluation, (std::vector<int64_t>{0, 1, 5, 6}));
}

TEST(SplitTest, FewerEvaluationRowsAreASeededChoice) {
  SplitOptions options;
  options.evaluation_samples = 50;
  auto split = SplitRows(1000, options);
  EXPECT_EQ(split->evaluation.size(), 50u);
  ExpectDisjoint(*split, 1000);
}

TEST(SplitTest, TwoSetsTakeAHundredRowsOfTheSecond) {
  auto split = SplitTwoSets(300, 40, {});
  ASSERT_TRUE(split.ok());
  EXPECT_EQ(split->calibration.size(), 100u);
  EXPECT_EQ(split->evaluation.size(), 40u);
  EXPECT_EQ(SplitTwoSets(30, 40, {})->calibration.size(), 30u);
  SplitOptions options;
  options.calibration_range = RowRange{0, 2};
  EXPECT_EQ(SplitTwoSets(300, 40, options)->calibration, (std::vector<int64_t>{0, 1}));
}

TEST(SplitTest, TooFewRowsAreToldWithNumbers) {
  auto message = [](int64_t rows, std::optional<int64_t> calibration, std::optional<int64_t> evaluation) {
    SplitOptions options;
    options.calibration_samples = calibration;
    options.evaluation_samples = evaluation;
    Status status = SplitRows(rows, options).status();
    EXPECT_EQ(status.reason(), "TOO_FEW_ROWS");
    return status.message();
  };
  EXPECT_EQ(message(1, {}, {}), "splitting calibration rows off needs 2 rows, but there are 1");
  EXPECT_EQ(message(10, 10, {}),
            "calibration with 10 rows, and evaluation with at least one other, needs 11 rows, but there are 10");
  EXPECT_EQ(message(10, 4, 7), "evaluation, on rows that do not calibrate, needs 7 rows, but there are 6");
  EXPECT_EQ(message(10, 0, {}), "calibration with 0 rows: at least 1 is needed");
  SplitOptions all;
  all.calibration_range = RowRange{0, 10};
  EXPECT_EQ(SplitRows(10, all).status().reason(), "TOO_FEW_ROWS");
  EXPECT_EQ(SplitTwoSets(0, 10, {}).status().reason(), "TOO_FEW_ROWS");
  EXPECT_EQ(SplitTwoSets(10, 0, {}).status().reason(), "TOO_FEW_ROWS");
  SplitOptions many;
  many.calibration_samples = 11;
  EXPECT_EQ(SplitTwoSets(10, 10, many).status().message(), "calibration needs 11 rows, but there are 10");
}

TEST(SplitTest, ParsesRangesAndRefusesOtherForms) {
  EXPECT_EQ(ParseRowRange("0:200", 1000)->end, 200);
  EXPECT_EQ(ParseRowRange("900:", 1000)->end, 1000);
  EXPECT_EQ(ParseRowRange(":5", 1000)->begin, 0);
  for (std::string_view text :
       {"", "5", "a:b", "-1:5", "5:5", "6:5", "0:1001", "0:99999999999999999999", "1:2:3", "0x1:2", " 0:2"}) {
    EXPECT_EQ(ParseRowRange(text, 1000).status().reason(), "BAD_ROW_RANGE") << text;
  }
  EXPECT_EQ(ParseRowRange("0:1001", 1000).status().message(),
            "row range '0:1001' ends beyond the 1000 rows of the data set");
  EXPECT_TRUE(LooksLikeRowRange("0:200"));
  EXPECT_TRUE(LooksLikeRowRange("5:"));
  EXPECT_FALSE(LooksLikeRowRange(":"));
  EXPECT_FALSE(LooksLikeRowRange("calibration.npz"));
  EXPECT_FALSE(LooksLikeRowRange("https://host/x"));
}

}  // namespace
}  // namespace ns
