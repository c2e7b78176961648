#include "tune/strategies/mse_v2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tune/testing/driven_session.h"
#include "tune/testing/literal_model.h"

namespace ns {
namespace {

using ::testing::ElementsAre;

DrivenSession Tune(std::initializer_list<double> noises) {
  std::vector<LiteralOperator> operators;
  for (double noise : noises) operators.push_back({.name = fmt::format("op{}", operators.size()), .noise = noise});
  LiteralModel model(operators);
  return Drive(model, {.problem = model.problem(), .stop = {}, .strategy = "mse_v2"});
}

TEST(MseV2Test, WhatHoldsAtOnceTakesOneEvaluation) {
  EXPECT_THAT(Tune({0.1, 0.1, 0.1}).labels, ElementsAre("static"));
}

TEST(MseV2Test, FallsBackUntilItHoldsThenRevertsWhatMattersLeast) {
  // Five have to go: 1, 2, 4, 8 are given up, then three of the eight can return: 1, 2 do, of 4 it is known that it is too many
  // (the four worst alone were given up before), 3 do.
  DrivenSession driven = Tune({0.02, 2, 0.02, 2.1, 0.02, 2.2, 0.02, 2.3, 0.02, 2.4, 0.02, 0.02});
  EXPECT_THAT(driven.labels,
              ElementsAre("static", "static, 1 operator in float", "static, 2 operators in float", "static, 4 operators in float",
                          "static, 8 operators in float", "static, 7 operators in float", "static, 6 operators in float",
                          "static, 5 operators in float"));
  EXPECT_DOUBLE_EQ(driven.gain, 1 / (1 - 7.0 / 12 / 2));
}

TEST(MseV2Test, OneCulpritTakesTwoEvaluations) {
  EXPECT_THAT(Tune({0.1, 0.1, 3, 0.1}).labels, ElementsAre("static", "static, 1 operator in float"));
}

TEST(MseV2Test, EndsWhereTooLittleWouldBeLeft) {
  DrivenSession driven = Tune({30, 30, 30});
  EXPECT_THAT(driven.labels, ElementsAre("static", "static, 1 operator in float", "static, 2 operators in float"));
  EXPECT_FALSE(driven.answer.trial.has_value());
}

}  // namespace
}  // namespace ns
