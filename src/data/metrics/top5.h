// Share of labels among the five highest scores (ILSVRC's top-5 accuracy).
#pragma once

#include <vector>

#include "data/metrics/additive.h"

namespace ns {

// Output [N, C], or [N, S, C] for tokens, as AccuracyMetric. Of equal scores the one with the lower class counts as
// higher. With five classes or fewer every label is right.
class Top5Metric final : public AdditiveMetric {
 public:
  explicit Top5Metric(const MetricOptions& options) : ignore_label_(options.ignore_label) {}
  std::string_view name() const override { return "top5"; }
  bool higher_is_better() const override { return true; }

 protected:
  Result<std::vector<RowScore>> Score(const TensorView& output, const TensorView& target) const override;

 private:
  int64_t ignore_label_;
};

}  // namespace ns
