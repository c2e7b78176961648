#include "service/rate_limiter.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

using std::chrono::milliseconds;

const SteadyTime kStart{std::chrono::hours(1)};

TEST(RateLimiter, ABurstPassesThenTheRate) {
  RateLimiter limiter({10, 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.Take("a", kStart).count(), 0) << i;
  EXPECT_EQ(limiter.Take("a", kStart).count(), 100);  // 1 / (10 a second)
  EXPECT_EQ(limiter.Take("a", kStart + milliseconds(60)).count(), 40);
  EXPECT_EQ(limiter.Take("a", kStart + milliseconds(100)).count(), 0);
  EXPECT_EQ(limiter.Take("a", kStart + milliseconds(100)).count(), 100);
}

TEST(RateLimiter, KeysDoNotShare) {
  RateLimiter limiter({1, 1});
  EXPECT_EQ(limiter.Take("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Take("b", kStart).count(), 0);
  EXPECT_EQ(limiter.Take("a", kStart).count(), 1000);
}

TEST(RateLimiter, PeekingTakesNothing) {
  RateLimiter limiter({1, 1});
  EXPECT_EQ(limiter.Peek("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Peek("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Take("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Peek("a", kStart).count(), 1000);
}

TEST(RateLimiter, IdleBucketsFillToTheBurstOnly) {
  RateLimiter limiter({10, 2});
  EXPECT_EQ(limiter.Take("a", kStart).count(), 0);
  SteadyTime later = kStart + std::chrono::hours(1);
  EXPECT_EQ(limiter.Take("a", later).count(), 0);
  EXPECT_EQ(limiter.Take("a", later).count(), 0);
  EXPECT_GT(limiter.Take("a", later).count(), 0);
}

TEST(RateLimiter, ForgetsTheKeyAskedAboutLongestAgo) {
  RateLimiter limiter({1, 1, 2});
  EXPECT_EQ(limiter.Take("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Take("b", kStart).count(), 0);
  EXPECT_GT(limiter.Take("a", kStart).count(), 0);  // now b is the oldest
  EXPECT_EQ(limiter.Take("c", kStart).count(), 0);
  EXPECT_GT(limiter.Take("a", kStart).count(), 0);
  EXPECT_EQ(limiter.Take("b", kStart).count(), 0);  // it was forgotten
}

TEST(RateLimiter, ZeroIsNoLimit) {
  RateLimiter limiter({});
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(limiter.Take("a", kStart).count(), 0);
}

}  // namespace
}  // namespace ns
