#include "base/status.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace ns {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument(fmt::format("{} is odd", value), "ODD", "value");
  return value / 2;
}

Status Quarter(int value, int* out) {
  NS_ASSIGN_OR_RETURN(int half, Half(value));
  NS_ASSIGN_OR_RETURN(*out, Half(half));
  return OkStatus();
}

TEST(StatusTest, ErrorsTravelThroughTheMacrosUnchanged) {
  int out = 0;
  EXPECT_TRUE(Quarter(8, &out).ok());
  EXPECT_EQ(out, 2);
  Status status = Quarter(6, &out);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "3 is odd");
  EXPECT_EQ(status.reason(), "ODD");
  EXPECT_EQ(status.field(), "value");
}

TEST(StatusTest, ContextGoesBeforeTheMessageAndKeepsTheReason) {
  Status status = InvalidArgument("5 is odd", "ODD").WithContext("row 3");
  EXPECT_EQ(status.ToString(), "INVALID_ARGUMENT [ODD]: row 3: 5 is odd");
  EXPECT_TRUE(OkStatus().WithContext("row 3").ok());
}

TEST(StatusTest, AFullDiskIsResourceExhausted) {
  Status status = ErrnoStatus(ENOSPC, "cannot write 'x'");
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.reason(), "DISK_FULL");
  EXPECT_EQ(status.message(), "cannot write 'x': No space left on device");
}

TEST(StatusDeathTest, ValueOfAFailedResultAborts) {
  EXPECT_DEATH((void)Half(3).value(), "3 is odd");
}

}  // namespace
}  // namespace ns
