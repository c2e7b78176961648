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
    std::pair{OpMode::kWeightOnlyInt4, std::string_view("weight_only_int4")},
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

// What differs between two treatments, each word behind a space.
std::string OpWords(const OpConfig& config, const OpConfig& base) {
  std::string words;
  if (config.mode != base.mode) words += fmt::format(" mode={}", OpModeName(config.mode));
  if (config.mode == OpMode::kFloat) return words;
  if (config.calibration != base.calibration) words += fmt::format(" calibration={}", CalibrationMethodName(config.calibration));
  if (config.per_channel != base.per_channel) words += fmt::format(" weights={}", config.per_channel ? "per_channel" : "per_tensor");
  if (config.block != base.block) words += fmt::format(" block={}", config.block);
  if (config.zero_points != base.zero_points) words += fmt::format(" zero_points={}", config.zero_points);
  return words;
}

std::string Quoted(std::string_view name) {
  std::string quoted = "\"";
  for (char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string_view OpModeName(OpMode mode) { return NameIn(kModeNames, mode); }
Result<OpMode> OpModeByName(std::string_view name) { return FindIn<OpMode>(kModeNames, name, "operator mode", "UNKNOWN_MODE"); }
std::string_view CalibrationMethodName(CalibrationMethod method) { return NameIn(kMethodNames, method); }
Result<CalibrationMethod> CalibrationMethodByName(std::string_view name) {
  return FindIn<CalibrationMethod>(kMethodNames, name, "calibration method", "UNKNOWN_CALIBRATION_METHOD");
}

const OpConfig& QuantConfig::Of(std::string_view name) const {
  auto entry = operators.find(name);
  return entry == operators.end() ? defaults : entry->second;
}

OpConfig& QuantConfig::Edit(std::string_view name) {
  auto entry = operators.find(name);
  return entry == operators.end() ? operators.emplace(name, defaults).first->second : entry->second;
}

OpConfig Effective(const OpConfig& config) {
  if (config.mode == OpMode::kWeightOnlyInt4) return config;
  OpConfig effective;
  effective.mode = config.mode;
  if (config.mode == OpMode::kFloat) return effective;
  effective.calibration = config.calibration;
  effective.per_channel = config.per_channel;
  return effective;
}

std::string Canonical(const QuantConfig& config) {
  const QuantConfig plain;
  OpConfig defaults = Effective(config.defaults);
  std::string text = OpWords(defaults, plain.defaults);
  if (config.percentile != plain.percentile) text += fmt::format(" percentile={}", config.percentile);
  if (config.averaging_constant != plain.averaging_constant) text += fmt::format(" averaging_constant={}", config.averaging_constant);
  if (config.reduce_range != plain.reduce_range) text += fmt::format(" reduce_range={}", config.reduce_range);
  if (config.quantize_embeddings != plain.quantize_embeddings) text += fmt::format(" embeddings={}", config.quantize_embeddings);
  if (config.quantize_attention != plain.quantize_attention) text += fmt::format(" attention={}", config.quantize_attention);
  if (config.equalize) text += " equalize=true";
  if (config.bias_correction) text += " bias_correction=true";
  if (config.smooth_quant) {
    text += fmt::format(" smooth_quant={}", config.smooth_quant->alpha);
    for (const auto& [name, alpha] : config.smooth_quant->alphas) {
      if (alpha != config.smooth_quant->alpha) text += fmt::format(" {}(alpha={})", Quoted(name), alpha);
    }
  }
  for (const auto& [name, op] : config.operators) {
    std::string words = OpWords(Effective(op), defaults);
    if (!words.empty()) text += fmt::format(" {}({})", Quoted(name), words.substr(1));
  }
  return text.empty() ? "default" : text.substr(1);
}

QuantConfig DefaultConfig(OpMode mode, std::string* why) {
  QuantConfig config;
  config.defaults.mode = mode;
  config.reduce_range = !ThisCpu().vnni;
  if (why != nullptr) {
    *why = config.reduce_range
               ? "weights in 7 bits: this processor has no VNNI, so products of 8-bit weights could saturate in 16 bits"
               : "weights in 8 bits: this processor sums int8 products in 32 bits (VNNI)";
  }
  return config;
}

}  // namespace ns
