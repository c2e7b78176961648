#include "data/metrics/pearson.h"

#include <algorithm>
#include <cmath>

#include "data/metrics/regression.h"

namespace ns {

void Moments::Add(const Moments& other) {
  if (other.count == 0) return;
  double all = count + other.count;
  double dx = other.mean_x - mean_x;
  double dy = other.mean_y - mean_y;
  double share = count * other.count / all;
  xx += other.xx + dx * dx * share;
  yy += other.yy + dy * dy * share;
  xy += other.xy + dx * dy * share;
  mean_x += dx * other.count / all;
  mean_y += dy * other.count / all;
  count = all;
}

Result<double> Moments::Correlation(std::string_view metric) const {
  if (count == 0) return FailedPrecondition(fmt::format("metric {} has seen no row", metric), "NO_DATA");
  if (!(xx > 0) || !(yy > 0)) {
    return FailedPrecondition(fmt::format("metric {} has no value: all {} of the {:.0f} rows are equal", metric,
                                          xx > 0 ? "labels" : "outputs", count),
                              "UNDEFINED_METRIC");
  }
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

Status PearsonMetric::Update(const TensorView& output, const TensorView& target) {
  Result<RegressionPairs> pairs = MatchRegression(output, target);
  if (!pairs.ok()) return pairs.status().WithContext("metric pearson");
  for (size_t i = 0; i < pairs->output.size(); ++i) moments_.Add(pairs->output[i], pairs->target[i]);
  return OkStatus();
}

std::vector<double> PearsonMetric::state() const {
  return {moments_.count, moments_.mean_x, moments_.mean_y, moments_.xx, moments_.yy, moments_.xy};
}

Status PearsonMetric::MergeState(std::span<const double> state) {
  bool finite = std::all_of(state.begin(), state.end(), [](double v) { return std::isfinite(v); });
  if (state.size() != 6 || !finite || state[0] < 0 || state[3] < 0 || state[4] < 0) {
    return InvalidArgument("metric pearson: these numbers are not count, means and centred sums", "BAD_METRIC_STATE");
  }
  moments_.Add(Moments{state[0], state[1], state[2], state[3], state[4], state[5]});
  return OkStatus();
}

}  // namespace ns
