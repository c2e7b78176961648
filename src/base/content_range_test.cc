#include "base/content_range.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(ContentRangeTest, FollowsTheStandard) {
  auto range = ParseContentRange("bytes 0-99/200");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->last, 99u);
  EXPECT_EQ(range->total, 200u);
  EXPECT_FALSE(ParseContentRange("bytes 5-9/*")->total);
  for (const char* bad : {"", "bytes", "bytes 1-0/5", "bytes 0-5/5", "bytes -5/10", "bytes 0-/10", "bytes 0-5", "bytes 0-5/", "bytes 0-5/6x", "items 0-5/6",
                          "bytes 0-99999999999999999999/*", "bytes */10"}) {
    EXPECT_FALSE(ParseContentRange(bad)) << bad;
  }
}

}  // namespace
}  // namespace ns
