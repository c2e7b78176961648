#include <gtest/gtest.h>

#include "cli/describe/completion.h"
#include "cli/describe/describe_app.h"
#include "cli/describe/man_page.h"

namespace ns {
namespace {

ProgramDescription Sample() {
  CLI::App app("d", "prog");
  std::string file, word = "a", hidden;
  bool flag = false;
  CLI::App* run = app.add_subcommand("run", "Run 'it': now [or not]");
  run->group("G");
  run->add_option("file", file, "A file")->required();
  run->add_option("-w,--word", word, "Which word")->check(OneOf({"a", "bc"}))->capture_default_str();
  run->add_flag("--flag", flag, "A flag");
  run->add_option("--hidden", hidden)->group("");
  app.add_subcommand("secret", "")->group("");
  return {"prog", "does things", "1.0", DescribeCommands(app)};
}

TEST(DescribeTest, TellsNamesValuesDefaultsAndChoicesOfWhatIsShown) {
  ProgramDescription program = Sample();
  ASSERT_EQ(program.commands.size(), 1u);
  const auto& options = program.commands[0].options;
  ASSERT_EQ(options.size(), 3u);
  EXPECT_TRUE(options[0].positional && options[0].required);
  EXPECT_EQ(options[1].names, (std::vector<std::string>{"-w", "--word"}));
  EXPECT_EQ(options[1].choices, (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(options[1].standard, "a");
  EXPECT_EQ(options[2].value, "");
}

TEST(DescribeTest, CommandsSurviveTheirText) {
  ProgramDescription program = Sample();
  std::string text = CommandsToText(program.commands);
  auto again = ParseCommands(text);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(CommandsToText(*again), text);
  EXPECT_EQ(again->at(0).options[1].choices, program.commands[0].options[1].choices);
  EXPECT_FALSE(ParseCommands("nonsense\n").ok());
}

TEST(CompletionTest, OffersOptionsAndTheirWords) {
  std::string bash = BashCompletion(Sample());
  EXPECT_NE(bash.find("options='-w --word --flag --help'"), std::string::npos) << bash;
  EXPECT_NE(bash.find("-w|--word) words='a bc' ;;"), std::string::npos) << bash;
  EXPECT_EQ(bash.find("hidden"), std::string::npos);
  std::string zsh = ZshCompletion(Sample());
  EXPECT_NE(zsh.find(R"('run:Run '\''it'\''\: now \[or not\]')"), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("'*--word=[Which word]:WORD:(a bc)'"), std::string::npos) << zsh;
}

TEST(ManPageTest, EscapesWhatRoffWouldRead) {
  ProgramDescription program{"prog", "does things", "1.0", {{"run", "Run it", "G", {{{"--x"}, "TEXT", ".dot\n'quote \\ back-slash", "d", {}, false, false}}}}};
  std::string page = ManPage(program, {{"FILES", "one\n\ntwo"}});
  EXPECT_NE(page.find("\\fB\\-\\-x\\fR \\fITEXT\\fR\n\\&.dot\n\\&'quote \\e back\\-slash; default: d\n"), std::string::npos) << page;
  EXPECT_NE(page.find(".SH \"FILES\"\n.PP\none\n.PP\ntwo\n"), std::string::npos) << page;
}

}  // namespace
}  // namespace ns
