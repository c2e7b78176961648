#include "tasks/retention_policy.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(RetentionPolicyTest, ReadsEachKindOfLimit) {
  EXPECT_EQ(ParseRetentionPolicy("30d")->age, std::chrono::seconds(2'592'000));
  EXPECT_EQ(ParseRetentionPolicy("90s")->age, std::chrono::seconds(90));
  EXPECT_EQ(ParseRetentionPolicy("10000 tasks")->tasks, 10'000);
  EXPECT_EQ(ParseRetentionPolicy("50GB")->bytes, 50'000'000'000u);
  EXPECT_EQ(ParseRetentionPolicy("2 MiB")->bytes, 2'097'152u);
  EXPECT_TRUE(ParseRetentionPolicy("all")->keeps_all());
}

TEST(RetentionPolicyTest, SeveralLimitsHoldTogether) {
  RetentionPolicy policy = ParseRetentionPolicy(" 2w, 0 tasks ,1 TB").value();
  EXPECT_EQ(policy.age, std::chrono::seconds(1'209'600));
  EXPECT_EQ(policy.tasks, 0);
  EXPECT_EQ(policy.bytes, 1'000'000'000'000u);
}

TEST(RetentionPolicyTest, RefusesWhatIsNoLimitAndNamesIt) {
  for (const char* bad : {"", "30", "d", "-1d", "1.5d", "30d,", "30d,31d", "5 apples", "all,1d", "1gb", "99999999999999999999d",
                          "10000000TB", "999999999999w"}) {
    auto policy = ParseRetentionPolicy(bad);
    EXPECT_EQ(policy.status().reason(), "BAD_RETENTION") << bad;
    EXPECT_NE(policy.status().message().find(fmt::format("got \"{}\"", bad)), std::string::npos);
  }
}

}  // namespace
}  // namespace ns
