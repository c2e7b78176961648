#include "tasks/operator_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tasks/report.h"

namespace ns {
namespace {

using testing::HasSubstr;
using testing::Not;

OperatorReport Named(std::string name, std::optional<double> effect = {}, std::optional<double> sqnr = {}) {
  OperatorReport one;
  one.name = std::move(name);
  one.effect_db = effect;
  one.sqnr_db = sqnr;
  return one;
}

TEST(OperatorReportTest, ComesBackWithAllFigures) {
  Report report;
  report.verdict = "twice as fast";
  report.goals = {{"accuracy", 0.891, true}};
  OperatorReport one = Named("/layer.0/MatMul", 18.25, 31.5);
  one.type = "MatMul";
  one.decision = "int8 static";
  one.why = "int8 kernel, float output";
  one.latency_share = 0.25;
  one.effect_shared = true;
  one.float_latency_share = 0.5;
  one.input = ActivationReport{"x", -1.5, 64, -1.5, 32.0, "percentile", 0.0001, 64.0, 8.5, HistogramReport{-2, 4, {7, 0, 1}}};
  one.output = ActivationReport{"y", -1, 1, {}, {}, "", {}, {}, {}, {}};
  one.weight = WeightReport{0.75, 128, 3.5};
  one.advice = "try SmoothQuant";
  report.operators = {one};
  std::string json = ReportToJson(report);
  Report back = ParseReport(json).value();
  ASSERT_EQ(back.operators.size(), 1u);
  EXPECT_EQ(back.operators[0], one);
  ASSERT_EQ(back.goals.size(), 1u);
  EXPECT_EQ(back.goals[0].limit, 0.891);
  EXPECT_EQ(OperatorsFromJson(OperatorsToJson(report.operators)), report.operators);
  EXPECT_FALSE(OperatorsFromJson("{}"));
}

TEST(OperatorReportTest, LeavesOutWhatWasNotMeasured) {
  std::string json = OperatorsToJson({Named("conv")});
  for (const char* name : {"effect_db", "effect_shared", "input", "output", "weight", "advice", "sqnr_db"}) EXPECT_THAT(json, Not(HasSubstr(name)));
}

TEST(OperatorReportTest, AFieldOfAnotherTypeCountsAsAbsent) {
  Report report = ParseReport(R"({"verdict": "x", "operators": [{"name": "a", "effect_db": "3", "input": 5,
    "output": {"min": -1, "histogram": {"low": 0, "bin_width": 1, "counts": 7}}}]})").value();
  ASSERT_EQ(report.operators.size(), 1u);
  EXPECT_FALSE(report.operators[0].effect_db);
  EXPECT_FALSE(report.operators[0].input);
  ASSERT_TRUE(report.operators[0].output);
  EXPECT_EQ(report.operators[0].output->min, -1);
  EXPECT_FALSE(report.operators[0].output->histogram);
}

TEST(SortByHarmTest, TheLeastDecibelsComeFirstAndTheUnmeasuredLast) {
  double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<OperatorReport> all = {Named("none"), Named("mild", 40, 10), Named("nan", nan, nan), Named("worst", 12), Named("own", {}, 20), Named("same", 40, 9)};
  SortByHarm(&all);
  std::string order;
  for (const OperatorReport& one : all) order += one.name + " ";
  EXPECT_EQ(order, "worst same mild own none nan ");
}

}  // namespace
}  // namespace ns
