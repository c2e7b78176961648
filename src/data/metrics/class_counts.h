// How often each class was labelled, predicted, and both: what F1 and Matthews' coefficient are made of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Grows with the highest class seen; three numbers a class.
class ClassCounts {
 public:
  struct Counts {
    double labelled = 0;
    double predicted = 0;
    double right = 0;  // both
  };

  // Output and labels as ClassPredictions::Match() pairs them, and its errors. At most `max_classes`
  // (LABEL_OUT_OF_RANGE).
  Status Add(const TensorView& output, const TensorView& labels, int64_t ignore_label, int64_t max_classes);

  std::span<const Counts> classes() const { return classes_; }
  double total() const;

  // labelled, predicted, right of each class in turn.
  std::vector<double> state() const;
  // InvalidArgument (BAD_METRIC_STATE).
  Status Merge(std::span<const double> state);

 private:
  Counts& At(int64_t index);
  std::vector<Counts> classes_;
};

}  // namespace ns
