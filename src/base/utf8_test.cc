#include "base/utf8.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

// Unicode 15, table 3-7: overlong forms, surrogates, beyond U+10FFFF, cut off.
TEST(Utf8Test, FindsTheFirstByteOfWhatIsNoCharacter) {
  for (std::string_view bad : {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80", "\xC3", "\xE2\x82", "\x80", "\xF5"}) {
    EXPECT_EQ(FindBadUtf8(bad), 0u);
  }
  EXPECT_EQ(FindBadUtf8("\xC3\xA4\xFF"), 2u);
  for (std::string_view good :
       {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(FindBadUtf8(good), std::nullopt);
  }
}

}  // namespace
}  // namespace ns
