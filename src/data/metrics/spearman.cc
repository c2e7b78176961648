#include "data/metrics/spearman.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/metrics/pearson.h"
#include "data/metrics/regression.h"

namespace ns {

namespace {

std::vector<double> Ranks(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    double shared = (static_cast<double>(begin) + static_cast<double>(end - 1)) / 2 + 1;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = shared;
    begin = end;
  }
  return ranks;
}

}  // namespace

Status SpearmanMetric::Update(const TensorView& output, const TensorView& target) {
  Result<RegressionPairs> pairs = MatchRegression(output, target);
  if (!pairs.ok()) return pairs.status().WithContext("metric spearman");
  outputs_.insert(outputs_.end(), pairs->output.begin(), pairs->output.end());
  targets_.insert(targets_.end(), pairs->target.begin(), pairs->target.end());
  return OkStatus();
}

Result<double> SpearmanMetric::value() const {
  std::vector<double> x = Ranks(outputs_);
  std::vector<double> y = Ranks(targets_);
  Moments moments;
  for (size_t i = 0; i < x.size(); ++i) moments.Add(x[i], y[i]);
  return moments.Correlation("spearman");
}

std::vector<double> SpearmanMetric::state() const {
  std::vector<double> numbers;
  numbers.reserve(outputs_.size() * 2);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    numbers.push_back(outputs_[i]);
    numbers.push_back(targets_[i]);
  }
  return numbers;
}

Status SpearmanMetric::MergeState(std::span<const double> state) {
  bool finite = std::all_of(state.begin(), state.end(), [](double v) { return std::isfinite(v); });
  if (state.size() % 2 != 0 || !finite) {
    return InvalidArgument("metric spearman: these numbers are not pairs of output and label", "BAD_METRIC_STATE");
  }
  for (size_t i = 0; i < state.size(); i += 2) {
    outputs_.push_back(state[i]);
    targets_.push_back(state[i + 1]);
  }
  return OkStatus();
}

}  // namespace ns
