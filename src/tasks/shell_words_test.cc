// The expected words are what `printf '[%s]\n' ...` prints in dash.
#include "tasks/shell_words.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

using Words = std::vector<std::string>;

TEST(SplitWordsTest, SplitsAtBlanks) {
  EXPECT_EQ(SplitWords("--task_name mrpc  --do_eval\t-x\n").value(), (Words{"--task_name", "mrpc", "--do_eval", "-x"}));
  EXPECT_EQ(SplitWords("").value(), Words{});
  EXPECT_EQ(SplitWords("  ").value(), Words{});
}

TEST(SplitWordsTest, HonoursQuotes) {
  EXPECT_EQ(SplitWords(R"(--name 'a b' "c d"e'f g')").value(), (Words{"--name", "a b", "c def g"}));
  EXPECT_EQ(SplitWords(R"('' "")").value(), (Words{"", ""}));
  EXPECT_EQ(SplitWords(R"('a\b' "a\b" "a\"b" "a\\b" "\$x" a\ b \'x)").value(), (Words{"a\\b", "a\\b", "a\"b", "a\\b", "$x", "a b", "'x"}));
  EXPECT_EQ(SplitWords("a\\\nb \"c\\\nd\"").value(), (Words{"ab", "cd"}));
}

TEST(SplitWordsTest, ExpandsNothing) {
  EXPECT_EQ(SplitWords("$HOME ~ * `id` $(id) a;b|c>d #e").value(), (Words{"$HOME", "~", "*", "`id`", "$(id)", "a;b|c>d", "#e"}));
}

TEST(QuoteWordTest, GivesTextThatIsThatOneWord) {
  EXPECT_EQ(QuoteWord("--data=dataset"), "--data=dataset");
  EXPECT_EQ(QuoteWord(""), "''");
  EXPECT_EQ(QuoteWord("it's"), R"('it'\''s')");
  for (const char* word : {"", " ", "a b", "it's", "\"", "a\\b", "\n", "$HOME;*"}) EXPECT_EQ(SplitWords(QuoteWord(word)).value(), Words{word}) << word;
}

TEST(SplitWordsTest, RefusesWhatIsNotClosed) {
  for (const char* text : {"'a", "\"a", "a\\", "\"a\\\"", "it's"}) EXPECT_EQ(SplitWords(text).status().reason(), "UNBALANCED_QUOTES") << text;
}

}  // namespace
}  // namespace ns
