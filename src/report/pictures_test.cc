#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/histogram_svg.h"
#include "report/operator_section.h"
#include "report/operator_svg.h"
#include "report/operator_words.h"
#include "report/page.h"
#include "report/testing/reports.h"
#include "report/trial_svg.h"

namespace ns {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Count(const std::string& text, std::string_view word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// The axis runs from the first edge, -4, to the last, 64, over 128 units: -2 is at 3.76, 30 at 64.
TEST(HistogramSvgTest, MarksWhatTheIntegersStandFor) {
  std::string svg = HistogramSvg(ThreeOperators()[1]);
  EXPECT_THAT(svg, HasSubstr("<rect class=\"band\" x=\"3.76\" y=\"0\" width=\"60.24\" height=\"44\"/>"));
  EXPECT_THAT(svg, HasSubstr("<path class=\"clip\" d=\"M3.76 0v44M64 0v44\"/>"));
  EXPECT_THAT(svg, HasSubstr("<title>input -2 to 62, quantized -2 to 30 (percentile)</title>"));
}

// Three bins hold something. log(1 + 99) is the whole height of 41, log(1 + 3) 12.34 of it, log(1 + 1) 6.17.
TEST(HistogramSvgTest, HeightsAreLogarithmic) {
  std::string svg = HistogramSvg(ThreeOperators()[1]);
  EXPECT_THAT(svg, HasSubstr("d=\"M0 44v-12.34h7.03v12.34zM7.53 44v-41h7.03v41zM120.47 44v-6.17h7.03v6.17z\""));
}

TEST(HistogramSvgTest, NothingSeenIsNoPicture) {
  EXPECT_EQ(HistogramSvg(ThreeOperators()[2]), "");
  OperatorReport broken = ThreeOperators()[1];
  broken.input->histogram->bin_width = 0;
  EXPECT_EQ(HistogramSvg(broken), "");
}

TEST(OperatorWordsTest, HarmRunsFrom60To0Decibels) {
  EXPECT_EQ(HarmOf(60), 0);
  EXPECT_EQ(HarmOf(15), 0.75);
  EXPECT_EQ(HarmOf(-3), 1);
  EXPECT_EQ(HarmOf({}), 0);
  EXPECT_EQ(HarmClass(19.9), "bad");
  EXPECT_EQ(HarmClass(20), "fair");
  EXPECT_EQ(HarmClass(30), "good");
}

TEST(OperatorSectionTest, TheWorstComesFirstAndTheRestIsFoldedAway) {
  std::string html = OperatorSection(ThreeOperators(), 2);
  size_t worst = html.find("<th scope=\"row\">/<wbr>encoder"), mild = html.find("<th scope=\"row\">&lt;script&gt;"), none = html.find("<th scope=\"row\">pool");
  EXPECT_LT(worst, mild);
  EXPECT_LT(mild, html.find("<details>"));
  EXPECT_LT(html.find("<details>"), none);
  EXPECT_EQ(Count(html, "<svg class=\"histogram\""), 1u);
  EXPECT_THAT(html, HasSubstr("<rect class=\"bad\" width=\"70\" height=\"6\"/>")) << "18 of 60 dB are left";
  EXPECT_EQ(OperatorSection({}), "");
}

TEST(OperatorSectionTest, NothingOfAStrangerIsMarkup) {
  for (const std::string& text : {OperatorSection(ThreeOperators()), OperatorSvg(ThreeOperators(), "<b>", "<b>")}) {
    EXPECT_THAT(text, Not(HasSubstr("<script")));
    EXPECT_THAT(text, Not(HasSubstr("<b>")));
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  }
}

Report ThreeTrials() {
  Report report;
  report.verdict = "static <int8>";
  report.baseline.metric = {{"accuracy", 0.9}};
  report.goals = {{"accuracy", 0.891, true}};
  report.trials.resize(3);
  for (int i = 0; i < 3; ++i) report.trials[static_cast<size_t>(i)].index = i;
  report.trials[0].metric = {{"accuracy", 0.9}};
  report.trials[0].latency_ms = 2;
  report.trials[1].metric = {{"accuracy", 0.895}};
  report.trials[1].latency_ms = 1;
  report.trials[1].meets_criterion = true;
  report.trials[2].metric = {{"accuracy", 0.7}};
  report.pareto = {{0, 0.9, 2, 100, "", "", ""}, {1, 0.895, 1, 30, "", "", ""}};
  report.operators = ThreeOperators();
  return report;
}

TEST(TrialSvgTest, ShowsTimedTrialsFrontAndLimit) {
  std::string svg = TrialSvg(ThreeTrials());
  EXPECT_EQ(Count(svg, "<title>trial"), 2u) << "the third was not timed";
  EXPECT_EQ(Count(svg, "class=\"front\""), 1u);
  EXPECT_THAT(svg, HasSubstr(">limit 0.891</text>"));
}

TEST(TrialSvgTest, OnePointIsNoPicture) {
  Report report = ThreeTrials();
  report.trials.resize(1);
  EXPECT_EQ(TrialSvg(report), "");
}

TEST(ReportPageTest, HoldsVerdictOperatorsAndTrialsAndNoScript) {
  std::string html = ReportPage("0123", ThreeTrials());
  EXPECT_THAT(html, HasSubstr("<h1>static &lt;int8&gt;</h1>"));
  EXPECT_THAT(html, HasSubstr("<h2 id=\"operators\">"));
  EXPECT_THAT(html, HasSubstr("<svg class=\"trials\""));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("style=")));
}

TEST(StandalonePageTest, NeedsNoOtherFile) {
  std::string html = StandalonePage("a<b", "<p>x</p>");
  EXPECT_THAT(html, HasSubstr("<title>a&lt;b</title>"));
  EXPECT_THAT(html, HasSubstr("table.operators"));
  for (const char* outside : {"http", "<link", "<script", "url("}) EXPECT_THAT(html, Not(HasSubstr(outside)));
}

}  // namespace
}  // namespace ns
