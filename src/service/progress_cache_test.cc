#include "service/progress_cache.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TaskProgress At(const std::string& stage) {
  TaskProgress progress;
  progress.stage = stage;
  return progress;
}

TEST(ProgressCacheTest, AnotherStateOfTheLogFindsNothing) {
  ProgressCache cache(10);
  cache.Put("a", 3, At("x"));
  EXPECT_EQ(cache.Find("a", 3)->stage, "x");
  EXPECT_FALSE(cache.Find("a", 4));
  cache.Put("a", 4, At("y"));
  EXPECT_EQ(cache.Find("a", 4)->stage, "y");
}

TEST(ProgressCacheTest, TheOneUsedLongestAgoGoesFirst) {
  ProgressCache cache(2);
  cache.Put("a", 1, At("a"));
  cache.Put("b", 1, At("b"));
  EXPECT_TRUE(cache.Find("a", 1));
  cache.Put("c", 1, At("c"));
  EXPECT_FALSE(cache.Find("b", 1));
  EXPECT_TRUE(cache.Find("a", 1));
  EXPECT_TRUE(cache.Find("c", 1));
}

}  // namespace
}  // namespace ns
