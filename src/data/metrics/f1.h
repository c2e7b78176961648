// F1 = 2 · right / (labelled + predicted) of a class: the harmonic mean of precision and recall (van Rijsbergen,
// Information Retrieval, 1979); 0 where the class is neither labelled nor predicted, as scikit-learn's f1_score has it.
#pragma once

#include <vector>

#include "data/metrics/class_counts.h"
#include "data/metrics/metric.h"

namespace ns {

// Output and labels as for AccuracyMetric.
class F1Metric final : public Metric {
 public:
  enum class Average {
    kBinary,  // of the class `positive_label`; two classes only
    kMacro,   // the mean over all classes that are labelled or predicted anywhere
  };
  F1Metric(Average average, const MetricOptions& options) : average_(average), options_(options) {}

  std::string_view name() const override { return average_ == Average::kBinary ? "f1" : "f1_macro"; }
  bool higher_is_better() const override { return true; }
  Status Update(const TensorView& output, const TensorView& target) override;
  Result<double> value() const override;
  std::vector<double> state() const override { return counts_.state(); }
  Status MergeState(std::span<const double> state) override { return counts_.Merge(state).WithContext(name()); }

 private:
  Average average_;
  MetricOptions options_;
  ClassCounts counts_;
};

}  // namespace ns
