// Matthews' correlation coefficient, for any number of classes (R_K of Gorodkin, Computational Biology and Chemistry
// 28, 2004): (c·s - Σ p_k·t_k) / √((s² - Σ p_k²) · (s² - Σ t_k²)) with s rows, c of them right, class k predicted p_k
// and labelled t_k times; 0 where the denominator is 0, as scikit-learn's matthews_corrcoef has it. From -1 to 1.
#pragma once

#include <vector>

#include "data/metrics/class_counts.h"
#include "data/metrics/metric.h"

namespace ns {

// Output and labels as for AccuracyMetric.
class MccMetric final : public Metric {
 public:
  explicit MccMetric(const MetricOptions& options) : ignore_label_(options.ignore_label) {}

  std::string_view name() const override { return "mcc"; }
  bool higher_is_better() const override { return true; }
  Status Update(const TensorView& output, const TensorView& target) override;
  Result<double> value() const override;
  std::vector<double> state() const override { return counts_.state(); }
  Status MergeState(std::span<const double> state) override { return counts_.Merge(state).WithContext(name()); }

 private:
  int64_t ignore_label_;
  ClassCounts counts_;
};

}  // namespace ns
