#include "data/metrics/class_counts.h"

#include <algorithm>

#include "data/metrics/class_scores.h"

namespace ns {

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
    classes_[label].labelled += 1;
    classes_[predicted].predicted += 1;
    if (label == predicted) classes_[label].right += 1;
  }
  return OkStatus();
}

double ClassCounts::total() const {
  double sum = 0;
  for (const auto& [index, counts] : classes_) sum += counts.labelled;
  return sum;
}

std::vector<double> ClassCounts::state() const {
  std::vector<double> numbers;
  numbers.reserve(classes_.size() * 4);
  for (const auto& [index, counts] : classes_) {
    numbers.insert(numbers.end(), {static_cast<double>(index), counts.labelled, counts.predicted, counts.right});
  }
  return numbers;
}

Status ClassCounts::Merge(std::span<const double> state) {
  constexpr double kMost = 1LL << 53;
  bool good = state.size() % 4 == 0 && std::all_of(state.begin(), state.end(), [](double v) { return v >= 0 && v < kMost; });
  if (!good) return InvalidArgument("these numbers are not counts of classes", "BAD_METRIC_STATE");
  for (size_t i = 0; i < state.size(); i += 4) {
    Counts& counts = classes_[static_cast<int64_t>(state[i])];
    counts.labelled += state[i + 1];
    counts.predicted += state[i + 2];
    counts.right += state[i + 3];
  }
  return OkStatus();
}

}  // namespace ns
