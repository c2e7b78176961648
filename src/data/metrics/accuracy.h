// Share of right classes: Σ [argmax(output) = label] / number of labels, over rows or over labelled positions.
#pragma once

#include <vector>

#include "data/metrics/additive.h"

namespace ns {

// Classification of rows: output [N, C], labels [N]. Of tokens: output [N, S, C], labels [N, S]; positions labelled
// `ignore_label` don't count, and a row's weight is the number of those that do.
class AccuracyMetric final : public AdditiveMetric {
 public:
  explicit AccuracyMetric(const MetricOptions& options) : ignore_label_(options.ignore_label) {}
  std::string_view name() const override { return "accuracy"; }
  bool higher_is_better() const override { return true; }

 protected:
  Result<std::vector<RowScore>> Score(const TensorView& output, const TensorView& target) const override;

 private:
  int64_t ignore_label_;
};

}  // namespace ns
