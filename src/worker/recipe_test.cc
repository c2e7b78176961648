#include "worker/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ns {
namespace {

Recipe Example() {
  Recipe recipe;
  recipe.model_sha256 = "ab12";
  recipe.label = "static, 1 operator in float";
  recipe.config.defaults.mode = OpMode::kStatic;
  recipe.config.SetMode("/layer/MatMul \"x\"", OpMode::kFloat);
  recipe.config.defaults.calibration = CalibrationMethod::kPercentile;
  recipe.config.Edit("conv") = {OpMode::kDynamic, CalibrationMethod::kMse, true};
  recipe.config.Edit("fc") = {.mode = OpMode::kWeightOnlyInt4, .block = 128, .zero_points = true};
  recipe.session = SessionSettings{2, true, false, "extended"};
  recipe.config.percentile = 99.9;
  recipe.config.defaults.per_channel = false;
  recipe.config.reduce_range = true;
  recipe.facts.ranges[{"act", CalibrationMethod::kPercentile}] = {-0.1f, 3.1415927f};
  recipe.facts.ranges[{"act", CalibrationMethod::kMse}] = {0, 3};
  recipe.config.smooth_quant = SmoothQuantConfig{0.6, {{"fc", 0.7}}};
  recipe.config.equalize = recipe.config.bias_correction = true;
  recipe.facts.bias_corrections["conv"] = {-0.1f, 0, 1e-9f};
  recipe.facts.smooth_factors["act"] = {0.1f, 3.3333333f};
  recipe.result_sha256 = "cd34";
  recipe.made_by = {{"neural_solution", "0.1.0"}};
  return recipe;
}

TEST(RecipeTest, ComesBackFromJsonBitForBit) {
  auto back = ParseRecipe(RecipeToJson(Example()));
  ASSERT_TRUE(back.ok()) << back.status().ToString();
  EXPECT_EQ(back->config, Example().config);
  EXPECT_EQ(back->facts, Example().facts);
  EXPECT_EQ(back->session, Example().session);
  EXPECT_EQ(back->model_sha256, "ab12");
  EXPECT_EQ(back->label, "static, 1 operator in float");
  EXPECT_EQ(back->result_sha256, "cd34");
  EXPECT_EQ(back->made_by, Example().made_by);
}

TEST(RecipeTest, ReadsTheFirstVersion) {
  auto recipe = ParseRecipe(R"({"version": 1, "model_sha256": "ab", "label": "static", "keep_float": false,
    "config": {"default_mode": "static", "modes": {"fc": "float"}, "calibration": "mse", "percentile": 99.99, "averaging_constant": 0.01,
               "per_channel": false, "reduce_range": true, "quantize_embeddings": true, "quantize_attention": false},
    "ranges": {"act": [-1, 2]}})");
  ASSERT_TRUE(recipe.ok()) << recipe.status().ToString();
  QuantConfig expected;
  expected.defaults = {OpMode::kStatic, CalibrationMethod::kMse, false};
  expected.SetMode("fc", OpMode::kFloat);
  expected.reduce_range = true;
  EXPECT_EQ(recipe->config, expected);
  EXPECT_EQ(recipe->facts.ranges, (RangeMap{{{"act", CalibrationMethod::kMse}, {-1, 2}}}));
}

TEST(RecipeTest, FloatNeedsNoConfiguration) {
  Recipe recipe;
  recipe.keep_float = true;
  auto back = ParseRecipe(RecipeToJson(recipe));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->keep_float);
}

TEST(RecipeTest, RefusesWhatIsNoRecipe) {
  for (const char* text : {"", "[]", "{}", "{\"version\": 3}", "not json"}) {
    auto recipe = ParseRecipe(text);
    ASSERT_FALSE(recipe.ok()) << text;
    EXPECT_EQ(recipe.status().reason(), "BAD_RECIPE") << text;
  }
}

TEST(RecipeTest, RefusesARangeThatIsNone) {
  const std::string good = RecipeToJson(Example());
  size_t at = good.find("\"mse\": [");
  ASSERT_NE(at, std::string::npos);
  // 1e300 is infinite as a float.
  for (const char* range : {"[1, 0]", "[0, 1e300]", "[-1e300, 0]", "[null, 1]", "[0]"}) {
    std::string text = good.substr(0, at) + "\"mse\": " + range + good.substr(good.find(']', at) + 1);
    auto recipe = ParseRecipe(text);
    ASSERT_FALSE(recipe.ok()) << range;
    EXPECT_EQ(recipe.status().reason(), "BAD_RECIPE") << range;
  }
  Recipe point = Example();
  point.facts.ranges[{"act", CalibrationMethod::kPercentile}] = {0.5f, 0.5f};
  EXPECT_TRUE(ParseRecipe(RecipeToJson(point)).ok());
}

TEST(RecipeTest, RefusesAnUnknownMode) {
  std::string text = RecipeToJson(Example());
  text.replace(text.find("\"static\""), 8, "\"statik\"");
  EXPECT_FALSE(ParseRecipe(text).ok());
}

}  // namespace
}  // namespace ns
