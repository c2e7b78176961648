// Perplexity of a language model: exp of the mean negative log likelihood, exp(-1/n Σ log softmax(output)[label]), over
// all labelled positions (Jelinek et al., "Perplexity - a measure of the difficulty of speech recognition tasks",
// 1977).
#pragma once

#include <vector>

#include "data/metrics/metric.h"

namespace ns {

// Output [N, S, V] of logits, labels [N, S]; `label_shift` as in MetricOptions; positions labelled `ignore_label` don't
// count.
class PerplexityMetric final : public Metric {
 public:
  explicit PerplexityMetric(const MetricOptions& options) : options_(options) {}

  std::string_view name() const override { return "perplexity"; }
  bool higher_is_better() const override { return false; }
  Status Update(const TensorView& output, const TensorView& target) override;
  Result<double> value() const override;
  std::vector<double> state() const override { return {nll_, positions_}; }
  Status MergeState(std::span<const double> state) override;

 private:
  MetricOptions options_;
  double nll_ = 0;
  double positions_ = 0;
};

}  // namespace ns
