#include "quantize/config.h"

#include <array>
#include <utility>

#include "base/cpu.h"

namespace ns {

namespace {

constexpr std::array kModeNames = {
    std::pair{OpMode::kFloat, std::string_view("float")},
    std::pair{OpMode::kStatic, std::string_view("static")},
    std::pair{OpMode::kDynamic, std::string_view("dynamic")},
    std::pair{OpMode::kWeightOnly, std::string_view("weight_only")},
};

constexpr std::array kMethodNames = {
    std::pair{CalibrationMethod::kMinMax, std::string_view("minmax")},
    std::pair{CalibrationMethod::kMovingAverage, std::string_view("moving_average")},
    std::pair{CalibrationMethod::kEntropy, std::string_view("entropy")},
    std::pair{CalibrationMethod::kPercentile, std::string_view("percentile")},
    std::pair{CalibrationMethod::kMse, std::string_view("mse")},
};

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value value) {
  for (const auto& [entry, name] : table) {
    if (entry == value) return name;
  }
  return "unknown";
}

template <typename Value, typename Table>
Result<Value> FindIn(const Table& table, std::string_view name, std::string_view what, std::string reason) {
  std::string known;
  for (const auto& [entry, entry_name] : table) {
    if (entry_name == name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry_name);
  }
  return InvalidArgument(fmt::format("unknown {} '{}'; known are {}", what, name, known), std::move(reason));
}

}  // namespace

std::string_view OpModeName(OpMode mode) { return NameIn(kModeNames, mode); }
Result<OpMode> OpModeByName(std::string_view name) { return FindIn<OpMode>(kModeNames, name, "operator mode", "UNKNOWN_MODE"); }
std::string_view CalibrationMethodName(CalibrationMethod method) { return NameIn(kMethodNames, method); }
Result<CalibrationMethod> CalibrationMethodByName(std::string_view name) {
  return FindIn<CalibrationMethod>(kMethodNames, name, "calibration method", "UNKNOWN_CALIBRATION_METHOD");
}

QuantConfig DefaultConfig(OpMode mode, std::string* why) {
  QuantConfig config;
  config.default_mode = mode;
  config.reduce_range = !ThisCpu().vnni;
  if (why != nullptr) {
    *why = config.reduce_range
               ? "weights in 7 bits: this processor has no VNNI, so products of 8-bit weights could saturate in 16 bits"
               : "weights in 8 bits: this processor sums int8 products in 32 bits (VNNI)";
  }
  return config;
}

}  // namespace ns
