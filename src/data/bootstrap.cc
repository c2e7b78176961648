#include "data/bootstrap.h"

#include <algorithm>
#include <random>

namespace ns {

namespace {

using MetricMaker = std::function<Result<std::unique_ptr<Metric>>()>;

constexpr size_t kMostNumbers = 160'000'000;  // merged

Result<double> ValueOf(const MetricMaker& make, const MetricStates& states, std::span<const size_t> parts) {
  NS_ASSIGN_OR_RETURN(auto metric, make());
  for (size_t part : parts) NS_RETURN_IF_ERROR(metric->MergeState(states[part]));
  return metric->value();
}

Result<double> DifferenceOn(const MetricMaker& make, const MetricStates& candidate, const MetricStates& baseline,
                            std::span<const size_t> parts) {
  NS_ASSIGN_OR_RETURN(double after, ValueOf(make, candidate, parts));
  NS_ASSIGN_OR_RETURN(double before, ValueOf(make, baseline, parts));
  return after - before;
}

// 999 or, where that is too much work, 799, 599, ...: always such that 2.5 % of one more is whole.
size_t Resamples(const BootstrapOptions& options, size_t numbers) {
  auto wanted = static_cast<size_t>(std::max(39, options.resamples));
  size_t most = std::max<size_t>(kMostNumbers / std::max<size_t>(numbers, 1), 199);
  return wanted <= most ? wanted : (most + 1) / 200 * 200 - 1;
}

size_t Numbers(const MetricStates& states) {
  size_t numbers = 0;
  for (const auto& state : states) numbers += state.size() + 1;
  return numbers;
}

}  // namespace

Result<PairedInterval> BootstrapDifference(const MetricMaker& make, const MetricStates& candidate, const MetricStates& baseline,
                                           const BootstrapOptions& options, std::stop_token stop) {
  if (candidate.size() != baseline.size()) {
    return InvalidArgument(fmt::format("{} parts can't be paired with {}", candidate.size(), baseline.size()), "ROW_COUNT_MISMATCH");
  }
  if (candidate.empty()) return InvalidArgument("no rows to compare", "NO_ROWS");
  std::vector<size_t> parts(candidate.size());
  for (size_t i = 0; i < parts.size(); ++i) parts[i] = i;
  PairedInterval interval;
  NS_ASSIGN_OR_RETURN(interval.value, DifferenceOn(make, candidate, baseline, parts));
  std::mt19937_64 random(options.seed);  // its numbers are the standard's; a distribution's are not
  size_t resamples = Resamples(options, Numbers(candidate) + Numbers(baseline));
  std::vector<double> differences;
  for (size_t draw = 0; draw < resamples; ++draw) {
    if (stop.stop_requested()) return Cancelled();
    for (size_t& part : parts) part = random() % candidate.size();
    auto difference = DifferenceOn(make, candidate, baseline, parts);
    if (!difference.ok() && difference.status().reason() != "UNDEFINED_METRIC") return difference.status();
    if (difference.ok()) differences.push_back(*difference);
  }
  if (differences.size() * 2 < resamples) {
    return FailedPrecondition("the metric has no value on most parts of the rows", "UNDEFINED_METRIC");
  }
  std::sort(differences.begin(), differences.end());
  size_t cut = std::max<size_t>((differences.size() + 1) / 40, 1);
  interval.low = differences[cut - 1];
  interval.high = differences[differences.size() - cut];
  return interval;
}

}  // namespace ns
