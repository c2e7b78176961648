#include "tune/latency_model.h"

#include <algorithm>
#include <array>

namespace ns {

namespace {

constexpr double kUntriedSaving = 0.75;
constexpr size_t kModes = kOpModes;
using Shares = std::array<double, kModes>;  // by OpMode

Shares SharesByMode(const TuningSpace& space, const QuantConfig& config) {
  Shares shares{};
  double all = 0;
  for (const SpaceOperator& op : space.operators) all += op.float_share;
  double alike = space.operators.empty() ? 0 : 1.0 / static_cast<double>(space.operators.size());
  for (const SpaceOperator& op : space.operators)
    shares[static_cast<size_t>(config.Of(op.name).mode)] += all > 0 ? op.float_share : alike;
  return shares;
}

// What part of its operators' share each mode saves, from the model that has most of it.
Shares Savings(const TuningSpace& space, const TimedModels& timed) {
  Shares savings, most{};
  savings.fill(kUntriedSaving);
  for (const auto& [config, model] : timed) {
    if (model.speed.speedup <= 0) continue;
    Shares shares = SharesByMode(space, config);
    for (size_t mode = 1; mode < kModes; ++mode) {
      double others = 0;
      for (size_t other = 1; other < kModes; ++other)
        if (other != mode) others += shares[other];
      if (shares[mode] <= std::max(most[mode], 2 * others)) continue;  // a mixture says little about either
      most[mode] = shares[mode];
      savings[mode] = std::min(0.95, (1 - 1 / model.speed.speedup) / (shares[mode] + others));
    }
  }
  savings[static_cast<size_t>(OpMode::kFloat)] = 0;
  return savings;
}

}  // namespace

double PredictSpeedup(const TuningSpace& space, const TimedModels& timed, const QuantConfig& config) {
  Shares savings = Savings(space, timed), shares = SharesByMode(space, config);
  double time = 1;
  for (size_t mode = 1; mode < kModes; ++mode) time -= shares[mode] * savings[mode];
  return 1 / std::max(time, 0.01);
}

}  // namespace ns
