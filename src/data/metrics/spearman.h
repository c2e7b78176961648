// Spearman's rank correlation: Pearson's correlation of the ranks, equal values sharing the mean of their ranks.
#pragma once

#include <vector>

#include "data/metrics/metric.h"

namespace ns {

// Output and labels as MatchRegression() pairs them. Keeps every pair (16 bytes): ranks need them all.
class SpearmanMetric final : public Metric {
 public:
  explicit SpearmanMetric(const MetricOptions&) {}

  std::string_view name() const override { return "spearman"; }
  bool higher_is_better() const override { return true; }
  Status Update(const TensorView& output, const TensorView& target) override;
  Result<double> value() const override;
  std::vector<double> state() const override;
  Status MergeState(std::span<const double> state) override;

 private:
  std::vector<double> outputs_;
  std::vector<double> targets_;
};

}  // namespace ns
