#include "quantize/config.h"

#include <gtest/gtest.h>

namespace ns {
namespace {

TEST(QuantConfigTest, AnEntryTakesThePlaceOfTheDefaults) {
  QuantConfig config;
  config.defaults.per_channel = false;
  config.SetMode("a", OpMode::kFloat);
  EXPECT_EQ(config.Of("a").mode, OpMode::kFloat);
  EXPECT_FALSE(config.Of("a").per_channel) << "made from the defaults";
  EXPECT_EQ(config.Of("b"), config.defaults);
  config.defaults.per_channel = true;
  EXPECT_FALSE(config.Of("a").per_channel) << "an entry stands for itself";
}

TEST(CanonicalTest, SaysWhatDiffersInTheOrderOfNames) {
  EXPECT_EQ(Canonical({}), "default");
  QuantConfig config;
  config.defaults = {OpMode::kDynamic, CalibrationMethod::kMinMax, false};
  config.reduce_range = true;
  config.Edit("conv2") = {OpMode::kStatic, CalibrationMethod::kMse, false};
  config.SetMode("conv1", OpMode::kFloat);
  EXPECT_EQ(Canonical(config),
            "mode=dynamic weights=per_tensor reduce_range=true \"conv1\"(mode=float) \"conv2\"(mode=static calibration=mse)");
}

TEST(CanonicalTest, NamesTheRecipes) {
  QuantConfig config;
  config.equalize = config.bias_correction = true;
  config.smooth_quant = SmoothQuantConfig{0.5, {{"fc", 0.75}, {"same", 0.5}}};
  EXPECT_EQ(Canonical(config), "equalize=true bias_correction=true smooth_quant=0.5 \"fc\"(alpha=0.75)");
}

TEST(CanonicalTest, WhatMakesNoDifferenceIsNotTold) {
  QuantConfig config;
  config.SetMode("same", OpMode::kStatic);
  EXPECT_EQ(Canonical(config), "default");
  QuantConfig one, other;
  one.Edit("a") = {OpMode::kFloat, CalibrationMethod::kMse, false};
  other.SetMode("a", OpMode::kFloat);
  EXPECT_EQ(Canonical(one), "\"a\"(mode=float)");
  EXPECT_EQ(Canonical(one), Canonical(other));
}

TEST(CanonicalTest, OnlyWeightsIn4BitsHaveBlocks) {
  QuantConfig config;
  config.defaults.block = 128;
  EXPECT_EQ(Canonical(config), "default");
  config.Edit("fc") = {.mode = OpMode::kWeightOnlyInt4, .block = 128, .zero_points = true};
  EXPECT_EQ(Canonical(config), "\"fc\"(mode=weight_only_int4 block=128 zero_points=true)");
  config.defaults.mode = OpMode::kWeightOnlyInt4;
  EXPECT_EQ(Canonical(config), "mode=weight_only_int4 block=128 \"fc\"(zero_points=true)");
}

// A name that looks like the end of another's entry.
TEST(CanonicalTest, NamesAreQuoted) {
  QuantConfig one, other;
  one.SetMode("a\"(mode=float) \"b", OpMode::kFloat);
  other.SetMode("a", OpMode::kFloat);
  other.SetMode("b", OpMode::kFloat);
  EXPECT_NE(Canonical(one), Canonical(other));
}

}  // namespace
}  // namespace ns
