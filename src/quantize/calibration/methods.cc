#include "quantize/calibration/methods.h"

namespace ns {

TensorObserver::Options ObserverOptionsFor(std::span<const CalibrationMethod> methods) {
  TensorObserver::Options options;
  for (CalibrationMethod method : methods) {
    options.batch_ranges |= method == CalibrationMethod::kMovingAverage;
    options.histogram |=
        method == CalibrationMethod::kEntropy || method == CalibrationMethod::kPercentile || method == CalibrationMethod::kMse;
  }
  return options;
}

Result<Range> RangeByMethod(const TensorObserver& observer, CalibrationMethod method, const QuantConfig& config) {
  NS_ASSIGN_OR_RETURN(Range seen, observer.range());
  if (method == CalibrationMethod::kMinMax) return seen;
  if (method == CalibrationMethod::kMovingAverage) {
    if (!(config.averaging_constant > 0 && config.averaging_constant <= 1)) {
      return InvalidArgument(fmt::format("averaging constant {} is not in (0, 1]", config.averaging_constant), "BAD_AVERAGING_CONSTANT");
    }
    return observer.MovingAverage(config.averaging_constant);
  }
  if (observer.histogram().empty()) {
    return FailedPrecondition(
        fmt::format("calibration kept no histogram, which '{}' needs", CalibrationMethodName(method)), "NO_DATA");
  }
  switch (method) {
    case CalibrationMethod::kPercentile:
      if (!(config.percentile > 50 && config.percentile <= 100)) {
        return InvalidArgument(fmt::format("percentile {} is not in (50, 100]", config.percentile), "BAD_PERCENTILE");
      }
      return PercentileRange(observer.histogram(), seen, config.percentile);
    case CalibrationMethod::kEntropy: return EntropyRange(observer.histogram(), seen);
    default: return MseRange(observer.histogram(), seen);
  }
}

}  // namespace ns
