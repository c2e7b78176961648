#include "tune/objective.h"

#include <cmath>

namespace ns {

namespace {

double Ratio(uint64_t of_float, uint64_t of_model) {
  return of_float == 0 || of_model == 0 ? 1 : static_cast<double>(of_float) / static_cast<double>(of_model);
}

}  // namespace

MeasuredSpeed Objective::Gain(const MeasuredModel& model, const MeasuredModel& float_model) const {
  double all = performance + size + memory;
  double rest = std::pow(Ratio(float_model.size_bytes, model.size_bytes), size / all) *
                std::pow(Ratio(float_model.memory_bytes, model.memory_bytes), memory / all);
  auto gain = [&](double speedup) { return rest * std::pow(speedup, performance / all); };
  return {gain(model.speed.speedup), gain(model.speed.low), gain(model.speed.high)};
}

SpeedVerdict Objective::CompareWithFloat(const MeasuredSpeed& speed) {
  if (speed.low > 1) return SpeedVerdict::kFaster;
  if (speed.high < 1) return SpeedVerdict::kSlower;
  return SpeedVerdict::kSame;
}

bool Objective::BeatsFloat(const MeasuredModel& model, const MeasuredModel& float_model) const {
  switch (CompareWithFloat(Gain(model, float_model))) {
    case SpeedVerdict::kFaster:
      return true;
    case SpeedVerdict::kSlower:
      return false;
    case SpeedVerdict::kSame:
      return static_cast<double>(model.size_bytes) <= worthwhile_size * static_cast<double>(float_model.size_bytes);
  }
  return false;
}

std::string Objective::ToString() const {
  std::string text;
  auto add = [&](double weight, const char* name) {
    if (weight > 0) text += (text.empty() ? "" : " and ") + std::string(name);
  };
  add(performance, "performance");
  add(size, "size");
  add(memory, "memory");
  return text;
}

}  // namespace ns
