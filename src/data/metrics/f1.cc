#include "data/metrics/f1.h"

namespace ns {

namespace {

constexpr int64_t kMaxClasses = 1 << 20;

double F1(const ClassCounts::Counts& counts) {
  double all = counts.labelled + counts.predicted;
  return all == 0 ? 0 : 2 * counts.right / all;
}

}  // namespace

Status F1Metric::Update(const TensorView& output, const TensorView& target) {
  int64_t max_classes = average_ == Average::kBinary ? 2 : kMaxClasses;
  Status status =
      counts_.Add(output, target, options_.ignore_label, max_classes).WithContext(fmt::format("metric {}", name()));
  if (status.reason() == "LABEL_OUT_OF_RANGE" && average_ == Average::kBinary) {
    return InvalidArgument(status.message() + "; f1_macro takes more", status.reason());
  }
  return status;
}

Result<double> F1Metric::value() const {
  if (counts_.total() == 0) {
    return FailedPrecondition(fmt::format("metric {} has seen no row with a label that counts", name()), "NO_DATA");
  }
  if (average_ == Average::kBinary) {
    auto positive = counts_.classes().find(options_.positive_label);
    return positive != counts_.classes().end() ? F1(positive->second) : 0.0;
  }
  double sum = 0;
  int64_t seen = 0;
  for (const auto& [index, counts] : counts_.classes()) {
    if (counts.labelled + counts.predicted == 0) continue;
    sum += F1(counts);
    ++seen;
  }
  return sum / static_cast<double>(seen);
}

}  // namespace ns
