// Share of rows (or positions) where the model chooses the class that the fp32 model chose: accuracy without labels.
#pragma once

#include <vector>

#include "data/metrics/additive.h"

namespace ns {

// The target is the fp32 model's output on the same rows, of the same shape: class scores on the last axis, or classes
// as integers. All positions of [N, S, C] count, padding too: nothing tells them apart here.
class AgreementMetric final : public AdditiveMetric {
 public:
  explicit AgreementMetric(const MetricOptions&) {}
  std::string_view name() const override { return "agreement"; }
  bool higher_is_better() const override { return true; }
  MetricTarget target() const override { return MetricTarget::kReference; }

 protected:
  Result<std::vector<RowScore>> Score(const TensorView& output, const TensorView& target) const override;
};

}  // namespace ns
