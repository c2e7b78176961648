// `basic` and `mse`, with one worker, on models whose every number is given: which evaluations they ask for.
#include "tune/strategies/staged_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tune/testing/driven_session.h"
#include "tune/testing/literal_model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

std::vector<LiteralOperator> Operators(std::initializer_list<double> noises) {
  std::vector<LiteralOperator> operators;
  for (double noise : noises) operators.push_back({.name = fmt::format("op{}", operators.size()), .noise = noise});
  return operators;
}

DrivenSession Tune(const std::string& strategy, const LiteralModel& model, const TuningProblem& problem) {
  return Drive(model, {.problem = problem, .stop = {}, .strategy = strategy});
}
DrivenSession Tune(const std::string& strategy, const LiteralModel& model) { return Tune(strategy, model, model.problem()); }

TEST(BasicTest, WhatHoldsAtOnceTakesOneEvaluation) {
  DrivenSession driven = Tune("basic", LiteralModel(Operators({0.1, 0.1, 0.1, 0.1})));
  EXPECT_THAT(driven.labels, ElementsAre("static"));
  EXPECT_DOUBLE_EQ(driven.gain, 2);
}

TEST(BasicTest, TheDynamicFormIsEvaluatedForItMayBeFaster) {
  std::vector<LiteralOperator> operators = Operators({0.1, 0.1});
  for (LiteralOperator& op : operators) op.dynamic_noise = 0.1;
  DrivenSession driven = Tune("basic", LiteralModel(operators));
  EXPECT_THAT(driven.labels, ElementsAre("static", "dynamic"));
  EXPECT_DOUBLE_EQ(driven.gain, 3);
}

TEST(BasicTest, GivesUpTheMostHarmfulOperatorsTogetherInsteadOfOneByOne) {
  // Of ten, op3, op5 and op7 lose too much, and all three have to go: 1, 2, 4, then 3. The recipes would help by less than 1 dB.
  DrivenSession driven = Tune("basic", LiteralModel(Operators({0.05, 0.05, 0.05, 2, 0.05, 3, 0.05, 4, 0.05, 0.05})));
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, 1 operator in float", "static, 2 operators in float",
                                         "static, 4 operators in float", "static, 3 operators in float"));
  EXPECT_DOUBLE_EQ(driven.gain, 1 / (1 - 0.7 / 2));
}

TEST(BasicTest, TheRecipesAreEvaluatedTogetherWhereTheOutputsAreNearer) {
  DrivenSession driven = Tune("basic", LiteralModel(Operators({3, 0.1, 0.1, 0.1, 2})));
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, all recipes"));
}

// Smoothing takes all noise from op0, and makes much when op0 is in float.
TEST(BasicTest, TriesEachRecipeAloneWhereAllTogetherAreNoNearer) {
  LiteralModel model(Operators({2, 0.1, 0.1, 0.1, 0.1, 0.1}));
  TuningProblem problem = model.problem();
  problem.space.recipes.smooth_quant = true;
  auto smoothed = [&](const TuningItem& item) -> TuningResult {
    auto* evaluate = std::get_if<EvaluateItem>(&item);
    auto* probe = std::get_if<ProbeItem>(&item);
    if (evaluate == nullptr && probe == nullptr) return model(item);
    QuantConfig config = evaluate ? evaluate->config : probe->config;
    if (config.smooth_quant && config.Of("op0").mode == OpMode::kFloat) return FailedResult(item, "spoilt");
    if (config.smooth_quant) config.SetMode("op0", OpMode::kFloat);
    return evaluate ? model(EvaluateItem{config, ""}) : model(ProbeItem{config});
  };
  DrivenSession driven = Drive(smoothed, {.problem = problem, .stop = {}, .strategy = "basic"});
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, smoothed 0.50"));
}

// A calibration that helps one type only: entropy takes all noise from Conv and doubles that of others.
TEST(BasicTest, TriesCalibrationsTypeByTypeAndTakesTheBestOfEachTogether) {
  std::vector<LiteralOperator> operators = Operators({0.1, 2, 0.1, 0.1});
  operators[1].type = "Conv";
  LiteralModel model(operators);
  TuningProblem problem = model.problem();
  problem.space.calibrations = {CalibrationMethod::kMinMax, CalibrationMethod::kEntropy};
  auto calibrated = [&](const TuningItem& item) -> TuningResult {
    const QuantConfig* config = nullptr;
    if (auto* evaluate = std::get_if<EvaluateItem>(&item)) config = &evaluate->config;
    if (auto* probe = std::get_if<ProbeItem>(&item)) config = &probe->config;
    if (config == nullptr) return model(item);
    QuantConfig cured = *config;
    bool others = config->Of("op0").calibration == CalibrationMethod::kEntropy;
    if (config->Of("op1").calibration == CalibrationMethod::kEntropy) cured.SetMode("op1", OpMode::kFloat);
    if (std::holds_alternative<ProbeItem>(item)) {
      ProbeResult result = std::get<ProbeResult>(model(ProbeItem{cured}));
      if (others) result.output_sqnr_db -= 3;
      return result;
    }
    return model(EvaluateItem{cured, ""});
  };
  DrivenSession driven = Drive(calibrated, {.problem = problem, .stop = {}, .strategy = "basic"});
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, Conv entropy"));
  EXPECT_TRUE(driven.answer.goal_met);
}

TEST(BasicTest, ADynamicModelThatHoldsIsNotTheEndWhereStaticPromisesMore) {
  // Only op0 has a dynamic form, a fifth of the run; static without op3 saves twice as much.
  std::vector<LiteralOperator> operators = Operators({0.1, 0.1, 0.1, 3, 0.1});
  operators[0].dynamic_noise = 0.1;
  DrivenSession driven = Tune("basic", LiteralModel(operators));
  EXPECT_THAT(driven.labels, ElementsAre("static", "dynamic", "static, 1 operator in float"));
  EXPECT_DOUBLE_EQ(driven.gain, 1 / (1 - 0.8 / 2));
}

TEST(BasicTest, EndsWithFloatWhereNothingHolds) {
  LiteralModel model(Operators({30, 30, 30}));  // all recipes leave one operator; without it it is fp32
  DrivenSession driven = Tune("basic", model);
  EXPECT_FALSE(driven.answer.trial.has_value());
  EXPECT_TRUE(driven.answer.goal_met);
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, all recipes"));
}

TEST(BasicTest, WithoutARankingOperatorsAreGivenUpFromTheEnd) {
  LiteralModel model(Operators({0.1, 0.1, 0.1, 3, 0.1, 0.1, 0.1}));
  auto no_ranks = [&](const TuningItem& item) {
    return std::holds_alternative<RankItem>(item) ? FailedResult(item, "no") : model(item);
  };
  DrivenSession driven = Drive(no_ranks, {.problem = model.problem(), .stop = {}, .strategy = "basic"});
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, 1 operator in float", "static, 2 operators in float",
                                         "static, 4 operators in float", "static, 3 operators in float"));
}

TEST(MseTest, GivesUpByTheOperatorsOwnErrorWhateverItDoesToTheOutputs) {
  std::vector<LiteralOperator> operators = Operators({0.05, 0.05, 3, 0.05, 0.05, 0.05});
  operators[4].own_noise = 9;  // looks worst, does nothing
  EXPECT_THAT(Tune("mse", LiteralModel(operators)).labels,
              ElementsAre("static", "static, 1 operator in float", "static, 2 operators in float"));
  EXPECT_THAT(Tune("basic", LiteralModel(operators)).labels, ElementsAre("static", "static, 1 operator in float"));
}

}  // namespace
}  // namespace ns
