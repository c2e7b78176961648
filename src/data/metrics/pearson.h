// Pearson's correlation of output and label: Σ(x-x̄)(y-ȳ) / √(Σ(x-x̄)² · Σ(y-ȳ)²). From -1 to 1.
#pragma once

#include <vector>

#include "data/metrics/metric.h"

namespace ns {

// Means and centred sums of pairs, joined without loss of digits (Chan, Golub, LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances", 1979).
struct Moments {
  double count = 0;
  double mean_x = 0;
  double mean_y = 0;
  double xx = 0;  // Σ(x-x̄)²
  double yy = 0;
  double xy = 0;

  void Add(const Moments& other);
  void Add(double x, double y) { Add(Moments{1, x, y, 0, 0, 0}); }
  // FailedPrecondition (UNDEFINED_METRIC) with fewer than 2 pairs, or where x or y is constant.
  Result<double> Correlation(std::string_view metric) const;
};

// Output and labels as MatchRegression() pairs them.
class PearsonMetric final : public Metric {
 public:
  explicit PearsonMetric(const MetricOptions&) {}

  std::string_view name() const override { return "pearson"; }
  bool higher_is_better() const override { return true; }
  Status Update(const TensorView& output, const TensorView& target) override;
  Result<double> value() const override { return moments_.Correlation("pearson"); }
  std::vector<double> state() const override;
  Status MergeState(std::span<const double> state) override;

 private:
  Moments moments_;
};

}  // namespace ns
