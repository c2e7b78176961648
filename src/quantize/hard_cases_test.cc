// The hard cases on their examples' rows: what fails, and what cures it (bench/models/hard_cases prints the whole table).
#include <gtest/gtest.h>

#include "quantize/testing/bench.h"
#include "quantize/testing/examples.h"
#include "quantize/testing/hard_cases.h"

namespace ns {
namespace {

const std::string kExamples = NS_SOURCE_DIR "/examples";
constexpr double kKept = 0.99;  // of fp32's accuracy: the default criterion

// A model of an example with a quantizer calibrated on its calibration rows.
struct Case {
  Case(Example source, Model hard_model) : example(std::move(source)), model(std::move(hard_model)), quantizer(Quantizer::Create(Prepared(model.Clone())).value()) {
    CalibrationOptions options;
    options.methods = {CalibrationMethod::kMse};
    options.channels = true;
    options.threads = 2;
    NullProgress progress;
    Status status = quantizer.Calibrate(*example.calibration, AllRows(*example.calibration), options, progress, {});
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  double Float() const { return Accuracy(model, *example.evaluation).value(); }
  double Quantized(const QuantConfig& config) const { return Accuracy(quantizer.Quantize(config).value().model, *example.evaluation).value(); }
  Example example;
  Model model;
  Quantizer quantizer;
};

QuantConfig Mode(OpMode mode) { return DefaultConfig(mode); }

TEST(HardCasesTest, ActivationOutliersNeedSmoothQuant) {
  Example example = TextExample(kExamples).value();
  Model model = WithActivationOutliers(example.model.Clone()).value();
  Case hard(std::move(example), std::move(model));
  double exact = hard.Float();
  EXPECT_DOUBLE_EQ(exact, Accuracy(hard.example.model, *hard.example.evaluation).value()) << "the same function";
  QuantConfig config = Mode(OpMode::kStatic);
  EXPECT_LT(hard.Quantized(config), exact * kKept);
  config.smooth_quant.emplace();
  EXPECT_GE(hard.Quantized(config), exact * kKept);
}

TEST(HardCasesTest, RescaledChannelsNeedEqualization) {
  Example example = ImageExample(kExamples).value();
  Model model = WithRescaledChannels(example.model.Clone()).value();
  Case hard(std::move(example), std::move(model));
  double exact = hard.Float();
  EXPECT_NEAR(exact, 0.9926, 0.0001) << "the example's own accuracy";
  QuantConfig config = Mode(OpMode::kStatic);
  EXPECT_LT(hard.Quantized(config), exact * kKept);
  config.equalize = true;
  EXPECT_GE(hard.Quantized(config), exact * kKept);
}

TEST(HardCasesTest, AnUnusedPlaneNeedsTheFirstOperatorInFloat) {
  Example example = ImageExample(kExamples).value();
  Model model = WithUnusedPlane(example.model.Clone()).value();
  Case hard(std::move(example), std::move(model));
  double exact = hard.Float();
  EXPECT_DOUBLE_EQ(exact, Accuracy(hard.example.model, *hard.example.evaluation).value()) << "the same function";
  QuantConfig config = Mode(OpMode::kStatic);
  for (CalibrationMethod method : {CalibrationMethod::kMinMax, CalibrationMethod::kPercentile, CalibrationMethod::kEntropy, CalibrationMethod::kMse}) {
    config.defaults.calibration = method;
    for (bool recipes : {false, true}) {
      config.equalize = config.bias_correction = recipes;
      EXPECT_LT(hard.Quantized(config), exact * kKept) << CalibrationMethodName(method);
    }
  }
  config = Mode(OpMode::kStatic);
  config.SetMode(hard.quantizer.QuantizedOperators(config)[0].name, OpMode::kFloat);
  EXPECT_GE(hard.Quantized(config), exact * kKept);
}

// Not one operator alone, in no mode, with no cure.
TEST(HardCasesTest, CancellingOffsetsLeaveOnlyFloat) {
  Example example = ImageExample(kExamples).value();
  Model model = WithCancellingOffsets(example.model.Clone()).value();
  Case hard(std::move(example), std::move(model));
  double exact = hard.Float();
  EXPECT_NEAR(exact, 0.9926, 0.0001);
  QuantConfig cured = Mode(OpMode::kStatic);
  cured.smooth_quant.emplace();
  cured.equalize = cured.bias_correction = true;
  for (const QuantConfig& config : {Mode(OpMode::kStatic), Mode(OpMode::kDynamic), cured}) EXPECT_LT(hard.Quantized(config), exact * kKept);
  for (const OperatorDecision& op : hard.quantizer.QuantizedOperators(Mode(OpMode::kStatic))) {
    QuantConfig alone = Mode(OpMode::kFloat);
    alone.SetMode(op.name, OpMode::kStatic);
    if (hard.quantizer.QuantizedOperators(alone).empty()) continue;  // an Add between float neighbours
    EXPECT_LT(hard.Quantized(alone), exact * kKept) << op.name;
  }
}

}  // namespace
}  // namespace ns
