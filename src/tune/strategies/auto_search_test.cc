#include "tune/strategies/auto_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tune/testing/fake_model.h"
#include "tune/testing/rounds.h"

namespace ns {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TuningSession Make(const TuningSession::Options& options) { return TuningSession::Create(options).value(); }

TEST(AutoSearchTest, AnEasyModelTakesOneEvaluationWhereTheOtherFormIsSlower) {
  TuningSession session = Make(FakeOptions(10));
  Played played = Play(session, {});
  EXPECT_THAT(played.labels, ElementsAre("static"));
  EXPECT_EQ(played.timings, 1) << "both forms side by side";
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, 1);
  EXPECT_TRUE(answer.goal_met);
}

TEST(AutoSearchTest, TheFormThatMeasuresFasterIsEvaluatedToo) {
  TuningSession::Options options = FakeOptions(10);
  TuningSession session = Make(options);
  FakeModel model;
  // All dynamic: 0.1 of the time left.
  auto measure = [&](const TuningHistory& history, const TuningItem& item) -> TuningResult {
    if (auto* time = std::get_if<TimeItem>(&item)) {
      TimeResult result;
      for (const QuantConfig& config : time->configs) {
        double speedup = config.defaults.mode == OpMode::kDynamic ? 3 : 2;
        result.models.push_back({{speedup, speedup - 0.1, speedup + 0.1}, 25, 0});
      }
      return result;
    }
    return model.Do(history, item);
  };
  std::vector<std::string> labels;
  for (auto work = session.Next({}, 1); !work.empty(); work = session.Next({}, 1)) {
    if (auto* evaluate = std::get_if<EvaluateItem>(&work[0].item)) labels.push_back(evaluate->label);
    session.Observe(work[0].id, measure(session.history(), work[0].item));
  }
  EXPECT_THAT(labels, ElementsAre("static", "dynamic"));
  EXPECT_EQ(session.answer().trial, 2);
}

// With weights in 4 or 8 bits too.
TuningSession::Options Int4Options(int count) {
  TuningSession::Options options = FakeOptions(count, false);
  for (SpaceOperator& op : options.problem.space.operators)
    op.choices.insert(op.choices.end() - 1, {OpConfig{.mode = OpMode::kWeightOnly}, OpConfig{.mode = OpMode::kWeightOnlyInt4}});
  return options;
}

TEST(AutoSearchTest, WeightsIn4BitsAreEvaluatedWhereTheyMeasureFaster) {
  TuningSession faster = Make(Int4Options(8)), slower = Make(Int4Options(8));
  EXPECT_THAT(Play(faster, {.int4_speedup = 3}).labels, ElementsAre("static", "weight_only_int4"));
  EXPECT_EQ(faster.answer().trial, 2);
  Played played = Play(slower, {.int4_speedup = 1.5});
  EXPECT_THAT(played.labels, ElementsAre("static"));
  EXPECT_EQ(played.timings, 1);
}

TEST(AutoSearchTest, WhatIsHurtBy4BitsGetsItsWeightsIn8) {
  TuningSession session = Make(Int4Options(64));
  FakeModel model{.harms = {{"op17", 0.2}}, .int4_speedup = 4};
  model.loss = [](const QuantConfig& config) { return config.Of("op17").mode == OpMode::kWeightOnlyInt4 ? 0.2 : 0.0; };
  EXPECT_THAT(Play(session, model).labels, ElementsAre("static", "weight_only_int4", "weight_only_int4, 1 operator in int8"));
  EXPECT_EQ(session.history().trial(3).config.Of("op17").mode, OpMode::kWeightOnly);
  EXPECT_EQ(session.answer().trial, 3);
}

// The layers want different alphas, and only with both the model holds.
TEST(AutoSearchTest, AlphasAreChosenLayerByLayerWhereOneForAllIsNotEnough) {
  TuningSession::Options options = FakeOptions(4, false);
  options.problem.space.recipes.smooth_quant = true;
  TuningSession session = Make(options);
  auto alpha = [](const QuantConfig& config, const std::string& name) {
    auto own = config.smooth_quant->alphas.find(name);
    return own == config.smooth_quant->alphas.end() ? config.smooth_quant->alpha : own->second;
  };
  FakeModel model;
  model.loss = [&](const QuantConfig& config) {
    if (!config.smooth_quant) return 0.05;
    return 0.03 - (alpha(config, "op0") == 0.3 ? 0.015 : 0) - (alpha(config, "op1") == 0.8 ? 0.015 : 0);
  };
  model.rank = [&](const RankItem& item) {
    EXPECT_FALSE(item.effects);
    RankResult result;
    for (const auto& [name, best] : {std::pair("op0", 0.3), std::pair("op1", 0.8), std::pair("op2", 0.5)})
      result.operators.push_back({name, alpha(item.config, name) == best ? 30.0 : 25.0, std::nan(""), std::nan("")});
    return result;
  };
  // Either alpha alone gains half of it, so the global search takes one of them first.
  EXPECT_THAT(Play(session, model).labels, ElementsAre("static", "static, smoothed 0.30", "static, smoothed 0.30, alpha by layer"));
  EXPECT_THAT(session.history().trial(3).config.smooth_quant->alphas,
              ::testing::ElementsAre(::testing::Pair("op1", 0.8), ::testing::Pair("op2", 0.5)));
  EXPECT_EQ(session.answer().trial, 3);
}

// Two products read one value, so they have one alpha: the first gains a little by 0.3, the second much by 0.8.
TEST(AutoSearchTest, ProductsOfOneValueTakeTheAlphaThatIsBestForThemTogether) {
  TuningSession::Options options = FakeOptions(4, false);
  options.problem.space.recipes.smooth_quant = true;
  for (size_t i : {0, 1}) options.problem.space.operators[i].input = "shared";
  TuningSession session = Make(options);
  auto alpha = [](const QuantConfig& config, const std::string& name) {
    auto own = config.smooth_quant->alphas.find(name);
    return own == config.smooth_quant->alphas.end() ? config.smooth_quant->alpha : own->second;
  };
  FakeModel model;
  model.loss = [&](const QuantConfig& config) {
    if (!config.smooth_quant) return 0.05;
    bool shared = alpha(config, "op0") == 0.8 && alpha(config, "op1") == 0.8;
    return 0.03 - (shared ? 0.015 : 0) - (alpha(config, "op2") == 0.3 ? 0.015 : 0);
  };
  model.rank = [&](const RankItem& item) {
    double of_all = alpha(item.config, "op0");
    RankResult result;
    result.operators.push_back({"op0", of_all == 0.3 ? 30.0 : 29.0, std::nan(""), std::nan("")});
    result.operators.push_back({"op1", of_all == 0.8 ? 30.0 : 15.0, std::nan(""), std::nan("")});
    result.operators.push_back({"op2", alpha(item.config, "op2") == 0.3 ? 30.0 : 25.0, std::nan(""), std::nan("")});
    return result;
  };
  EXPECT_THAT(Play(session, model).labels, ElementsAre("static", "static, smoothed 0.30", "static, smoothed 0.30, alpha by layer"));
  EXPECT_THAT(session.history().trial(3).config.smooth_quant->alphas, ::testing::ElementsAre(::testing::Pair("op0", 0.8), ::testing::Pair("op1", 0.8)));
  EXPECT_EQ(session.answer().trial, 3);
}

TEST(AutoSearchTest, OneHarmfulOperatorIsFoundByTheFirstStepOfBisection) {
  TuningSession session = Make(FakeOptions(64, false));
  Played played = Play(session, {.harms = {{"op17", 0.2}}});
  EXPECT_THAT(played.labels, ElementsAre("static", "static, 1 operator in float"));
  EXPECT_EQ(session.history().trial(2).config.Of("op17").mode, OpMode::kFloat);
  EXPECT_EQ(session.answer().trial, 2);
}

TEST(AutoSearchTest, TheFirstAndTheLastOperatorInFloatAreTriedBeforeARanking) {
  auto in_float = [](const QuantConfig& config, const char* name) { return config.Of(name).mode == OpMode::kFloat; };
  struct Case {
    std::function<double(const QuantConfig&)> loss;
    const char* label;
  };
  const Case cases[] = {
      {[&](const QuantConfig& config) { return in_float(config, "op0") ? 0.0 : 0.2; }, "static, first operator in float"},
      {[&](const QuantConfig& config) { return in_float(config, "op63") ? 0.0 : 0.2; }, "static, last operator in float"},
      {[&](const QuantConfig& config) { return in_float(config, "op0") && in_float(config, "op63") ? 0.0 : 0.2; },
       "static, first and last operator in float"}};
  for (const Case& one : cases) {
    TuningSession session = Make(FakeOptions(64, false));
    Played played = Play(session, {.loss = one.loss});
    EXPECT_THAT(played.labels, ElementsAre("static", one.label));
    EXPECT_EQ(played.probes, 4);
    EXPECT_EQ(played.ranks, 0);
    EXPECT_EQ(session.answer().trial, 2);
  }
}

TEST(AutoSearchTest, EndsThatTurnOutNotToBeEnoughAreAStepOfBisection) {
  TuningSession session = Make(FakeOptions(64, false));
  Played played = Play(session, {.harms = {{"op0", 0.2}, {"op17", 0.05}}});
  EXPECT_THAT(played.labels, ElementsAre("static", "static, first operator in float", "static, 2 operators in float"));
}

// What was given up may be dynamic, here too.
TEST(AutoSearchTest, AFirstOperatorThatWasGivenUpReturnsInDynamicForm) {
  FakeModel model;
  model.loss = [](const QuantConfig& config) {
    return (config.Of("op0").mode == OpMode::kStatic ? 0.1 : 0) + (config.defaults.mode == OpMode::kDynamic ? 0.5 : 0);
  };
  TuningSession session = Make(FakeOptions(8));
  EXPECT_THAT(Play(session, model).labels, ElementsAre("static", "dynamic", "static, first operator in float", "static, 1 operator dynamic"));
}

TEST(AutoSearchTest, WhatWasGivenUpReturnsInDynamicFormWhereThatHolds) {
  FakeModel model;
  // op3 and op4 cannot be static.
  model.loss = [](const QuantConfig& config) {
    double loss = 0;
    for (const char* name : {"op3", "op4"})
      if (config.Of(name).mode == OpMode::kStatic) loss += 0.1;
    return loss + (config.defaults.mode == OpMode::kDynamic ? 0.5 : 0);
  };
  model.harms = {{"op3", 0.1}, {"op4", 0.1}};  // what the ranking says
  TuningSession session = Make(FakeOptions(4 + 4));
  Played played = Play(session, model);
  EXPECT_THAT(played.labels, ElementsAre("static", "dynamic", "static, 2 operators in float", "static, 1 operator in float",
                                         "static, 2 operators dynamic"));
  const Trial& best = session.history().trial(*session.answer().trial);
  EXPECT_EQ(best.label, "static, 2 operators dynamic");
  EXPECT_EQ(best.config.Of("op3").mode, OpMode::kDynamic);
}

TEST(AutoSearchTest, AModelThatOnlyHoldsInFloatEndsWithFloatAndTheClosestInFull) {
  TuningSession::Options options = FakeOptions(16, false);
  TuningSession session = Make(options);
  FakeModel model;
  model.loss = [](const QuantConfig& config) { return config.defaults.mode == OpMode::kFloat ? 0.0 : 0.3; };
  model.stops_early = true;
  Played played = Play(session, model);
  EXPECT_LE(played.labels.size(), 7u) << "static, 1 + log2(16) of bisection, and the closest in full";
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, std::nullopt);
  EXPECT_TRUE(answer.goal_met);
  EXPECT_THAT(answer.reason, HasSubstr("no quantized model tried holds the accuracy"));
  EXPECT_THAT(answer.reason, HasSubstr("0.6000 misses the limit 0.8910"));
}

TEST(AutoSearchTest, AGoalThatNothingMeetsEndsWithTheBestAndSaysSo) {
  TuningSession::Options options = FakeOptions(8);
  options.problem.goals = AccuracyGoals({{"accuracy", {CriterionKind::kAbsolute, -0.05, true}, 0.9}});
  TuningSession session = Make(options);
  FakeModel model;
  model.loss = [](const QuantConfig& config) { return config.defaults.mode == OpMode::kStatic ? -0.01 : 0.02; };
  Play(session, model);
  TuningAnswer answer = session.answer();
  EXPECT_EQ(answer.trial, 1);  // 0.91: more than fp32, less than the 0.95 asked for
  EXPECT_FALSE(answer.goal_met);
  EXPECT_THAT(answer.reason, HasSubstr("fp32 itself does not hold what is asked for; the closest is static"));
}

TEST(AutoSearchTest, ASlowFormIsNotRepaired) {
  TuningSession session = Make(FakeOptions(16, false));
  Played played = Play(session, {.harms = {{"op3", 0.2}}, .full_speedup = 0.8});
  EXPECT_THAT(played.labels, ElementsAre("static"));
  EXPECT_THAT(session.answer().reason, HasSubstr("was not worth repairing"));
}

// Random models with interactions, failures of every kind, and any number of workers.
class RandomModel {
 public:
  explicit RandomModel(uint64_t seed) : random_(seed) {
    operators_ = 1 + static_cast<int>(random_() % 40);
    for (int i = 0; i < operators_; ++i)
      if (random_() % 4 == 0) model_.harms[fmt::format("op{}", i)] = 0.001 * static_cast<double>(random_() % 100);
    model_.full_speedup = 0.8 + 0.1 * static_cast<double>(random_() % 25);
    model_.stops_early = random_() % 2 == 0;
    dynamic_ = random_() % 2 == 0;
  }
  TuningSession::Options options() const {
    TuningSession::Options options = FakeOptions(operators_, dynamic_);
    options.stop.max_trials = 10'000;  // what is evaluated ahead of its time counts, too
    return options;
  }
  const FakeModel& model() const { return model_; }
  int operators() const { return operators_; }

 private:
  std::mt19937_64 random_;
  int operators_ = 1;
  bool dynamic_ = false;
  FakeModel model_;
};

TEST(AutoSearchTest, AnyNumberOfWorkersAcceptsTheSameModel) {
  for (uint64_t seed = 0; seed < Rounds(300); ++seed) {
    RandomModel random(seed);
    TuningSession alone = Make(random.options());
    Played one = Play(alone, random.model());
    for (int workers : {2, 5, 16}) {
      TuningSession many = Make(random.options());
      Play(many, random.model(), workers, seed);
      auto config = [](const TuningSession& session) {
        auto trial = session.answer().trial;
        return trial ? Canonical(session.history().trial(*trial).config) : "fp32";
      };
      ASSERT_EQ(config(many), config(alone)) << "seed " << seed << ", " << workers << " workers";
    }
  }
}

TEST(AutoSearchTest, TakesFewEvaluationsWhateverTheModel) {
  for (uint64_t seed = 0; seed < Rounds(1000); ++seed) {
    RandomModel random(seed);
    TuningSession session = Make(random.options());
    Played played = Play(session, random.model());
    // Two forms, for each a treated one, one with its ends in float, and bisection, two that return, and the closest in full.
    double bisection = 1 + std::ceil(std::log2(random.operators()));
    ASSERT_LE(static_cast<double>(played.labels.size()), 2 * (1 + 1 + 1 + bisection + 2) + 1) << "seed " << seed;
    TuningAnswer answer = session.answer();
    ASSERT_TRUE(answer.goal_met) << "seed " << seed << ": fp32 holds it";
    if (answer.trial) {
      ASSERT_TRUE(session.history().trial(*answer.trial).accepted);
    }
  }
}

}  // namespace
}  // namespace ns
