#include "report/markup.h"

#include <gtest/gtest.h>

#include <limits>

namespace ns {
namespace {

TEST(EscapeMarkupTest, LeavesNoWayOutOfTextOrAttribute) {
  EXPECT_EQ(EscapeMarkup("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
  EXPECT_EQ(EscapeMarkup("Größe 层 🙂"), "Größe 层 🙂");
}

TEST(EscapeMarkupTest, WhatXmlForbidsIsReplaced) {
  EXPECT_EQ(EscapeMarkup(std::string("a\x01\0b", 4)), "a\xEF\xBF\xBD\xEF\xBF\xBD"
                                                      "b");
  EXPECT_EQ(EscapeMarkup("\xFF<"), "\xEF\xBF\xBD&lt;") << "no UTF-8";
  EXPECT_EQ(EscapeMarkup("\xC3"), "\xEF\xBF\xBD") << "cut short";
  EXPECT_EQ(EscapeMarkup("\xC0\xBC"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "an overlong '<'";
  EXPECT_EQ(EscapeMarkup("\xED\xA0\x80").size(), 9u) << "a surrogate";
  EXPECT_EQ(EscapeMarkup("\xEF\xBF\xBF").size(), 9u) << "U+FFFF";
}

TEST(CoordinateTest, IsShortAndAlwaysANumber) {
  EXPECT_EQ(Coordinate(12), "12");
  EXPECT_EQ(Coordinate(0.125), "0.12");
  EXPECT_EQ(Coordinate(1.50), "1.5");
  EXPECT_EQ(Coordinate(-0.001), "0");
  EXPECT_EQ(Coordinate(std::numeric_limits<double>::quiet_NaN()), "0");
}

}  // namespace
}  // namespace ns
