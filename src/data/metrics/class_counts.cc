#include "data/metrics/class_counts.h"

#include <algorithm>
#include <cmath>

#include "data/metrics/class_scores.h"

namespace ns {

ClassCounts::Counts& ClassCounts::At(int64_t index) {
  if (static_cast<size_t>(index) >= classes_.size()) classes_.resize(static_cast<size_t>(index) + 1);
  return classes_[static_cast<size_t>(index)];
}

Status ClassCounts::Add(const TensorView& output, const TensorView& labels, int64_t ignore_label, int64_t max_classes) {
  NS_ASSIGN_OR_RETURN(ClassPredictions match, ClassPredictions::Match(output, labels, ignore_label));
  std::vector<std::pair<int64_t, int64_t>> pairs;  // all checked before any counts
  for (int64_t row = 0; row < match.rows(); ++row) {
    for (int64_t position = 0; position < match.positions(); ++position) {
      if (!match.counts(row, position)) continue;
      int64_t label = match.label(row, position);
      int64_t predicted = match.predicted(row, position);
      if (std::min(label, predicted) < 0 || std::max({label, predicted, match.classes() - 1}) >= max_classes) {
        return InvalidArgument(
            fmt::format("label {} and prediction {} in row {} of the batch (output with {} classes): only the classes "
                        "0 to {} are taken",
                        label, predicted, row, match.classes(), max_classes - 1),
            "LABEL_OUT_OF_RANGE");
      }
      pairs.emplace_back(label, predicted);
    }
  }
  for (auto [label, predicted] : pairs) {
    At(label).labelled += 1;
    At(predicted).predicted += 1;
    if (label == predicted) At(label).right += 1;
  }
  return OkStatus();
}

double ClassCounts::total() const {
  double sum = 0;
  for (const Counts& counts : classes_) sum += counts.labelled;
  return sum;
}

std::vector<double> ClassCounts::state() const {
  std::vector<double> numbers;
  numbers.reserve(classes_.size() * 3);
  for (const Counts& counts : classes_) {
    numbers.insert(numbers.end(), {counts.labelled, counts.predicted, counts.right});
  }
  return numbers;
}

Status ClassCounts::Merge(std::span<const double> state) {
  bool good = state.size() % 3 == 0 &&
              std::all_of(state.begin(), state.end(), [](double v) { return std::isfinite(v) && v >= 0; });
  if (!good) return InvalidArgument("these numbers are not counts of classes", "BAD_METRIC_STATE");
  for (size_t i = 0; i < state.size(); i += 3) {
    Counts& counts = At(static_cast<int64_t>(i / 3));
    counts.labelled += state[i];
    counts.predicted += state[i + 1];
    counts.right += state[i + 2];
  }
  return OkStatus();
}

}  // namespace ns
