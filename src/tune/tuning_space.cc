#include "tune/tuning_space.h"

#include <algorithm>

namespace ns {

const OpConfig* SpaceOperator::FirstWith(OpMode mode) const {
  auto found = std::find_if(choices.begin(), choices.end(), [&](const OpConfig& one) { return one.mode == mode; });
  return found == choices.end() ? nullptr : &*found;
}

QuantConfig TuningSpace::Uniform(OpMode mode) const {
  QuantConfig config = base;
  config.defaults.mode = mode;
  for (const SpaceOperator& op : operators) {
    const OpConfig* choice = op.FirstWith(mode);
    if (choice == nullptr) {
      config.SetMode(op.name, OpMode::kFloat);
    } else if (*choice != config.defaults) {
      config.operators[op.name] = *choice;
    }
  }
  return config;
}

bool TuningSpace::Quantizes() const {
  return std::any_of(operators.begin(), operators.end(), [](const SpaceOperator& op) { return op.choices.size() > 1; });
}

int TuningSpace::CountWith(OpMode mode) const {
  return static_cast<int>(std::count_if(operators.begin(), operators.end(),
                                        [&](const SpaceOperator& op) { return op.FirstWith(mode) != nullptr; }));
}

double TuningSpace::ShareWith(OpMode mode) const {
  double all = 0, with = 0;
  for (const SpaceOperator& op : operators) {
    all += op.float_share;
    if (op.FirstWith(mode) != nullptr) with += op.float_share;
  }
  if (all == 0) return CountWith(mode) > 0 ? 1 : 0;
  return with;
}

}  // namespace ns
