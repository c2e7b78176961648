// What the metrics that are a mean over rows have in common. A subclass scores the rows of one batch.
#pragma once

#include <span>
#include <vector>

#include "data/metrics/metric.h"

namespace ns {

// Keeps a RowScore a row: 16 bytes. Its state is sum and weight of each row in turn.
class AdditiveMetric : public Metric {
 public:
  Status Update(const TensorView& output, const TensorView& target) final;
  Result<double> value() const override;
  bool additive() const final { return true; }
  std::span<const RowScore> row_scores() const final { return scores_; }
  std::vector<double> state() const final;
  Status MergeState(std::span<const double> state) final;

 protected:
  // The rows of one batch, in order.
  virtual Result<std::vector<RowScore>> Score(const TensorView& output, const TensorView& target) const = 0;

 private:
  std::vector<RowScore> scores_;
};

}  // namespace ns
