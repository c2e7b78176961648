#include "worker/operator_advice.h"

#include <fmt/format.h>

#include <cmath>

namespace ns {

namespace {

// Below these the noise is above 3 % of the outputs, above 6 % of the operator's own.
constexpr double kHarmfulEffect = 30, kHarmfulOwn = 25;
// From here on 8 bits leave 5 or fewer to the usual channel or value.
constexpr double kWideChannel = 8, kUnevenWeight = 16, kLongTail = 4;
constexpr double kMuchOutside = 0.01;

bool Harmful(const OperatorReport& one) {
  if (one.effect_db && std::isfinite(*one.effect_db)) return *one.effect_db < kHarmfulEffect;
  return one.sqnr_db && std::isfinite(*one.sqnr_db) && *one.sqnr_db < kHarmfulOwn;
}

bool TakesAll(CalibrationMethod method) { return method == CalibrationMethod::kMinMax || method == CalibrationMethod::kMovingAverage; }

// Of values that are quantized by a calibrated range.
std::string AboutValues(std::string_view what, const std::optional<ActivationReport>& values, const OpConfig& config) {
  if (!values || config.mode != OpMode::kStatic) return "";
  if (TakesAll(config.calibration) && values->tail_ratio.value_or(1) >= kLongTail) {
    return fmt::format("A thousandth of the {} values stretch its range {:.3g} times: clip them with --calibration-method percentile or entropy", what,
                       *values->tail_ratio);
  }
  if (values->outside.value_or(0) >= kMuchOutside) {
    return fmt::format("{:.2g} % of the {} values lie outside of the calibrated range: --calibration-method minmax, or more calibration rows",
                       100 * *values->outside, what);
  }
  return "";
}

}  // namespace

std::string AdviceFor(const OperatorReport& one, const OpConfig& config) {
  if (!Harmful(one)) return "";
  if (one.input && one.input->channel_ratio.value_or(1) >= kWideChannel) {
    std::string_view remedy = one.type == "Conv" ? "cross-layer equalization evens them out" : "SmoothQuant moves it into the weights";
    return fmt::format("One input channel reaches {:.3g} times as far as the median one: {}", *one.input->channel_ratio, remedy);
  }
  if (one.weight && !config.per_channel && one.weight->channel_ratio >= kUnevenWeight) {
    return fmt::format("The widest output channel of the weight is {:.3g} times the narrowest: give each its own scale (per-channel weights)",
                       one.weight->channel_ratio);
  }
  std::string about = AboutValues("input", one.input, config);
  // Many operators make floats.
  if (about.empty() && one.output && one.output->low) about = AboutValues("output", one.output, config);
  if (!about.empty()) return about;
  std::string cost = one.float_latency_share ? fmt::format(", {:.1f} % of the fp32 run", 100 * *one.float_latency_share) : "";
  if (config.mode == OpMode::kDynamic) return fmt::format("No single cause: keep it in float{}", cost);
  return fmt::format("No single cause: another calibration method, bias correction, or float{}", cost);
}

}  // namespace ns
