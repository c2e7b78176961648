// How often each class was labelled, predicted, and both: what F1 and Matthews' coefficient are made of.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Of the classes that were seen; the others take no room.
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

  const std::map<int64_t, Counts>& classes() const { return classes_; }
  double total() const;

  // Number, labelled, predicted, right of each class in turn.
  std::vector<double> state() const;
  // InvalidArgument (BAD_METRIC_STATE).
  Status Merge(std::span<const double> state);

 private:
  std::map<int64_t, Counts> classes_;
};

}  // namespace ns
