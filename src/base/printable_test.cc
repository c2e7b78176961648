#include "base/printable.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(PrintableTest, ControlCharactersAreWrittenOutAndTheRestStays) {
  EXPECT_EQ(Printable("bert-base, 95 % (größer) 日本"), "bert-base, 95 % (größer) 日本");
  EXPECT_EQ(Printable("a\nb\tc\x1b[2Jd\x7f\r"), "a\\nb\\tc\\x1b[2Jd\\x7f\\x0d");
  EXPECT_EQ(Printable("\xc2\x9b" "31m\xc2"), "\\x9b" "31m\\xc2");
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, CutsCharactersNotBytes) {
  EXPECT_EQ(Printable("Größe", 5), "Größe");
  EXPECT_EQ(Printable("Größe", 4), "…öße");
  EXPECT_EQ(Printable("a\tb\xC2\x9B\xFF", 99), "a\\tb\\x9b\\xff");
  EXPECT_EQ(Printable("a\x1b", 3), "…1b");
}

}  // namespace
}  // namespace ns
