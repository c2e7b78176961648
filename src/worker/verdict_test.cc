#include "worker/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

VerdictInput Fast() {
  VerdictInput input;
  input.goals = AccuracyGoals({{"accuracy", {}, 0.9}});
  input.values = {0.8951};
  input.label = "static";
  input.reason = "static is the fastest that holds the accuracy";
  input.speedup = {2.31, 2.25, 2.38};
  input.float_bytes = 1000;
  input.optimized_bytes = 260;
  return input;
}

TEST(VerdictTest, SaysSpeedSizeAndAccuracy) {
  EXPECT_EQ(Verdict(Fast()),
            "static int8: 2.31 times as fast as fp32 (95 % 2.25 to 2.38), 0.26 of its size; "
            "accuracy 0.8951 holds the limit 0.8910 (0.9000 less 1 %).");
}

TEST(VerdictTest, SaysWithWhichSettingsAndThatWeightsAreIn4Bits) {
  VerdictInput input = Fast();
  input.label = "weight_only_int4, 2 operators in int8";
  input.session = "intra_op_num_threads 1";
  EXPECT_THAT(Verdict(input), StartsWith("weight-only int4, 2 operators in int8: 2.31 times"));
  EXPECT_THAT(Verdict(input), HasSubstr("less 1 %). Measured with these settings of ONNX Runtime, to be set where it runs: intra_op_num_threads 1."));
}

TEST(VerdictTest, SaysPlainlyWhenItIsNotFaster) {
  VerdictInput input = Fast();
  input.speedup = {1.01, 0.97, 1.05};
  EXPECT_THAT(Verdict(input), HasSubstr("not measurably faster than fp32: 1.01 times its speed"));
  input.speedup = {0.8, 0.7, 0.9};
  EXPECT_THAT(Verdict(input), HasSubstr("slower than fp32: 0.80 times its speed"));
}

TEST(VerdictTest, AMissedGoalComesFirst) {
  VerdictInput input = Fast();
  input.values = {0.5};
  EXPECT_THAT(Verdict(input), StartsWith("Goal not met. "));
}

TEST(VerdictTest, KeptFloatSaysWhy) {
  VerdictInput input = Fast();
  input.kept_float = true;
  input.values = {0.9};
  input.reason = "no quantized model tried holds the accuracy";
  EXPECT_THAT(Verdict(input),
              StartsWith("Kept fp32: no quantized model tried holds the accuracy; accuracy 0.9000 holds"));
}

TEST(WhyNotFasterTest, CountsWhatStayedInFloatByTypeAndReason) {
  std::vector<OperatorDecision> decisions = {{"a", "MatMul", OpMode::kStatic, ""},
                                             {"b", "Softmax", OpMode::kFloat, "no int8 kernel"},
                                             {"c", "Softmax", OpMode::kFloat, "no int8 kernel"},
                                             {"d", "MatMul", OpMode::kFloat, "no constant weight"}};
  EXPECT_THAT(
      WhyNotFaster(decisions, 10, true),
      ElementsAre(
          "1 operators compute in int8, 3 stayed in float: 2 Softmax (no int8 kernel), 1 MatMul (no constant weight)"));
}

TEST(WhyNotFasterTest, NamesASmallModelAndAProcessorWithoutVnni) {
  EXPECT_THAT(WhyNotFaster({}, 10, true), IsEmpty());
  EXPECT_THAT(WhyNotFaster({}, 0.1, false), ElementsAre(HasSubstr("no VNNI"), HasSubstr("0.10 ms")));
}

TEST(IntervalNoteTest, OnlyWhenTheIntervalCrossesTheLimit) {
  AccuracyCriterion criterion;  // limit 0.891: a difference of -0.009
  EXPECT_EQ(IntervalNote({-0.002, -0.008, 0.004, ""}, criterion, 0.9, 200), "");
  EXPECT_THAT(IntervalNote({-0.002, -0.012, 0.008, ""}, criterion, 0.9, 200), HasSubstr("with 200 rows"));
}

}  // namespace
}  // namespace ns
