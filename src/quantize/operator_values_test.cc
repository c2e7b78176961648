#include "quantize/operator_values.h"

#include <gtest/gtest.h>

#include "quantize/testing/models.h"

namespace ns {
namespace {

std::string Names(const std::vector<OperatorValues>& all) {
  std::string text;
  for (const OperatorValues& one : all) text += one.name + " ";
  return text;
}

TEST(OperatorValuesTest, AConvolutionMakesWhatTheReluBehindItMakes) {
  auto all = OperatorValuesOf(SmallCnn(), {});
  EXPECT_EQ(Names(all), "stem depthwise pointwise add pool fc ");
  const OperatorValues& stem = all[0];
  EXPECT_EQ(stem.input->value, "image");
  EXPECT_EQ(stem.input->range, (RangeId{"image", CalibrationMethod::kMinMax}));
  EXPECT_EQ(stem.output->value, "r0");
  EXPECT_EQ(stem.output->range, (RangeId{"r0", CalibrationMethod::kMinMax}));
  EXPECT_EQ(stem.weight, "w0");
  EXPECT_EQ(stem.channel_axis, 0);
  EXPECT_TRUE(stem.reads_images);
}

TEST(OperatorValuesTest, AProductMakesFloatsAndReadsWhatMovingOperatorsLeft) {
  auto all = OperatorValuesOf(SmallCnn(), {});
  const OperatorValues& fc = all.back();
  EXPECT_EQ(fc.input->value, "f");
  EXPECT_EQ(fc.input->range, (RangeId{"p", CalibrationMethod::kMinMax})) << "Flatten moves elements: same range";
  EXPECT_EQ(fc.output->value, "logits");
  EXPECT_FALSE(fc.output->range);
  EXPECT_FALSE(fc.reads_images);
}

TEST(OperatorValuesTest, OperatorsInFloatAreThereWithoutRangesUnlessTheyOnlyFollow) {
  QuantConfig config;
  config.defaults.mode = OpMode::kFloat;
  auto all = OperatorValuesOf(SmallCnn(), config);
  EXPECT_EQ(Names(all), "stem depthwise pointwise fc ");
  for (const OperatorValues& one : all) {
    EXPECT_FALSE(one.input->range) << one.name;
    EXPECT_FALSE(one.output->range) << one.name;
  }
}

}  // namespace
}  // namespace ns
