#include "data/metrics/additive.h"

#include <cmath>

namespace ns {

Status AdditiveMetric::Update(const TensorView& output, const TensorView& target) {
  Result<std::vector<RowScore>> scored = Score(output, target);
  if (!scored.ok()) return scored.status().WithContext(fmt::format("metric {}", name()));
  scores_.insert(scores_.end(), scored->begin(), scored->end());
  return OkStatus();
}

Result<double> AdditiveMetric::value() const {
  double sum = 0;
  double weight = 0;
  for (const RowScore& score : scores_) {
    sum += score.sum;
    weight += score.weight;
  }
  if (weight <= 0) {
    return FailedPrecondition(fmt::format("metric {} has seen no row with a label that counts", name()), "NO_DATA");
  }
  return sum / weight;
}

std::vector<double> AdditiveMetric::state() const {
  std::vector<double> numbers;
  numbers.reserve(scores_.size() * 2);
  for (const RowScore& score : scores_) {
    numbers.push_back(score.sum);
    numbers.push_back(score.weight);
  }
  return numbers;
}

Status AdditiveMetric::MergeState(std::span<const double> state) {
  bool good = state.size() % 2 == 0;
  for (size_t i = 0; good && i < state.size(); i += 2) {
    good = std::isfinite(state[i]) && std::isfinite(state[i + 1]) && state[i + 1] >= 0;
  }
  if (!good) {
    return InvalidArgument(fmt::format("metric {}: these numbers are not sums and weights of rows", name()),
                           "BAD_METRIC_STATE");
  }
  for (size_t i = 0; i < state.size(); i += 2) scores_.push_back({state[i], state[i + 1]});
  return OkStatus();
}

}  // namespace ns
