#include "data/metrics/mcc.h"

#include <cmath>

namespace ns {

namespace {

constexpr int64_t kMaxClasses = 1 << 20;

}  // namespace

Status MccMetric::Update(const TensorView& output, const TensorView& target) {
  return counts_.Add(output, target, ignore_label_, kMaxClasses).WithContext("metric mcc");
}

Result<double> MccMetric::value() const {
  double s = counts_.total();
  if (s == 0) return FailedPrecondition("metric mcc has seen no row with a label that counts", "NO_DATA");
  double c = 0, pt = 0, pp = 0, tt = 0;
  for (const auto& [index, counts] : counts_.classes()) {
    c += counts.right;
    pt += counts.predicted * counts.labelled;
    pp += counts.predicted * counts.predicted;
    tt += counts.labelled * counts.labelled;
  }
  double below = std::sqrt((s * s - pp) * (s * s - tt));
  return below > 0 ? (c * s - pt) / below : 0.0;
}

}  // namespace ns
