#include "data/statistics.h"

#include <algorithm>
#include <cmath>

namespace ns {

namespace {

constexpr double kNormal975 = 1.959964;

bool IsRightOrWrong(const RowScore& score) { return score.weight == 1 && (score.sum == 0 || score.sum == 1); }

// See the header: Agresti and Min.
PairedInterval MatchedProportions(std::span<const RowScore> candidate, std::span<const RowScore> baseline) {
  double gained = 0;
  double lost = 0;
  for (size_t i = 0; i < candidate.size(); ++i) {
    gained += candidate[i].sum > baseline[i].sum ? 1 : 0;
    lost += candidate[i].sum < baseline[i].sum ? 1 : 0;
  }
  auto rows = static_cast<double>(candidate.size());
  double b = gained + 0.5;
  double c = lost + 0.5;
  double n = rows + 2;
  double half = kNormal975 * std::sqrt(b + c - (b - c) * (b - c) / n) / n;
  return {(gained - lost) / rows, (b - c) / n - half, (b - c) / n + half};
}

PairedInterval MeanDifference(std::span<const RowScore> candidate, std::span<const RowScore> baseline) {
  double difference_sum = 0;
  double weight = 0;
  for (size_t i = 0; i < candidate.size(); ++i) {
    difference_sum += candidate[i].sum - baseline[i].sum;
    weight += baseline[i].weight;
  }
  auto n = static_cast<double>(candidate.size());
  double d = difference_sum / weight;
  double squares = 0;
  for (size_t i = 0; i < candidate.size(); ++i) {
    double e = (candidate[i].sum - baseline[i].sum - d * baseline[i].weight) / (weight / n);
    squares += e * e;
  }
  double half = n < 2 ? HUGE_VAL : StudentT975(static_cast<int64_t>(n) - 1) * std::sqrt(squares / (n - 1) / n);
  return {d, d - half, d + half};
}

}  // namespace

double StudentT975(int64_t degrees) {
  // A. Hald, Statistical Tables; beyond 10 the expansion of Cornish and Fisher is good to 4 digits.
  static constexpr double kTable[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281};
  if (degrees <= 10) return kTable[std::max<int64_t>(degrees, 1) - 1];
  double z = kNormal975;
  auto v = static_cast<double>(degrees);
  double g1 = (std::pow(z, 3) + z) / 4;
  double g2 = (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / 96;
  double g3 = (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) / 384;
  return z + g1 / v + g2 / (v * v) + g3 / (v * v * v);
}

Result<PairedInterval> PairedDifference(std::span<const RowScore> candidate, std::span<const RowScore> baseline) {
  if (candidate.size() != baseline.size()) {
    return InvalidArgument(fmt::format("{} row scores can't be paired with {}", candidate.size(), baseline.size()),
                           "ROW_COUNT_MISMATCH");
  }
  double weight = 0;
  for (size_t i = 0; i < candidate.size(); ++i) {
    if (candidate[i].weight != baseline[i].weight) {
      return InvalidArgument(fmt::format("score {} has weight {} for one model and {} for the other: not the same rows",
                                         i, candidate[i].weight, baseline[i].weight),
                             "ROW_COUNT_MISMATCH");
    }
    weight += candidate[i].weight;
  }
  if (weight <= 0) return InvalidArgument("no rows to compare", "NO_ROWS");
  bool binary = std::all_of(candidate.begin(), candidate.end(), IsRightOrWrong) &&
                std::all_of(baseline.begin(), baseline.end(), IsRightOrWrong);
  return binary ? MatchedProportions(candidate, baseline) : MeanDifference(candidate, baseline);
}

}  // namespace ns
