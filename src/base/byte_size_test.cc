#include "base/byte_size.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(ByteSizeTest, ReadsNumbersUnitsAndFractions) {
  EXPECT_EQ(ParseByteSize("16GB"), 16'000'000'000u);
  EXPECT_EQ(ParseByteSize("2 MiB"), 2'097'152u);
  EXPECT_EQ(ParseByteSize("1.5kB"), 1'500u);
  EXPECT_EQ(ParseByteSize("1e6"), 1'000'000u);
  EXPECT_EQ(ParseByteSize("0"), 0u);
}

TEST(ByteSizeTest, RefusesWhatIsNoSize) {
  for (const char* bad : {"", "GB", "-1", "1gb", "1 GB more", "nan", "inf", "10000000TB"}) EXPECT_EQ(ParseByteSize(bad), std::nullopt) << bad;
}

TEST(ByteSizeTest, IsShownInTheLargestUnitThatLosesNothing) {
  EXPECT_EQ(FormatByteSize(16'000'000'000), "16GB");
  EXPECT_EQ(FormatByteSize(1'500'000), "1500kB");
  EXPECT_EQ(FormatByteSize(1'025), "1025");
  EXPECT_EQ(FormatByteSize(0), "0");
}

}  // namespace
}  // namespace ns
