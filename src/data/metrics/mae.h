// Mean absolute error: Σ |output - label| / number of elements.
#pragma once

#include <vector>

#include "data/metrics/additive.h"

namespace ns {

// Output and labels as MatchRegression() pairs them; a row's weight is its number of elements.
class MaeMetric final : public AdditiveMetric {
 public:
  explicit MaeMetric(const MetricOptions&) {}
  std::string_view name() const override { return "mae"; }
  bool higher_is_better() const override { return false; }

 protected:
  Result<std::vector<RowScore>> Score(const TensorView& output, const TensorView& target) const override;
};

}  // namespace ns
