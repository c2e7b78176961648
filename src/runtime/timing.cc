#include "runtime/timing.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/cpu.h"

namespace ns {
namespace {

constexpr int kFewestRounds = 3;

// Pins the calling thread for the object's life.
class PinnedHere {
 public:
  explicit PinnedHere(const std::vector<int>& cores) {
    if (cores.empty()) return;
    saved_ = ::pthread_getaffinity_np(::pthread_self(), sizeof(before_), &before_) == 0;
    PinThisThread({cores[0]});
  }
  ~PinnedHere() {
    if (saved_) ::pthread_setaffinity_np(::pthread_self(), sizeof(before_), &before_);
  }
  PinnedHere(const PinnedHere&) = delete;
  PinnedHere& operator=(const PinnedHere&) = delete;

 private:
  cpu_set_t before_{};
  bool saved_ = false;
};

double Seconds(SteadyTime from, SteadyTime to) { return std::chrono::duration<double>(to - from).count(); }

// One round: every callable once, forwards in even rounds and backwards in odd ones, so that none always follows the same other.
Status RunRound(std::span<const TimedRun> runs, int round, const Clock& clock, std::stop_token stop, std::vector<LatencyResult>* results) {
  for (size_t k = 0; k < runs.size(); ++k) {
    size_t i = round % 2 == 0 ? k : runs.size() - 1 - k;
    if (stop.stop_requested()) return Cancelled();
    SteadyTime start = clock.steady();
    NS_RETURN_IF_ERROR(runs[i](round));
    if (results != nullptr) (*results)[i].samples_ms.push_back(Seconds(start, clock.steady()) * 1e3);
  }
  return OkStatus();
}

// `least`: how many rounds to measure at least; fewer where the budget has no time for them.
Status WarmUp(std::span<const TimedRun> runs, const LatencyOptions& options, const Clock& clock, std::stop_token stop, int* least) {
  for (int i = 0; i < options.warmup_runs; ++i) {
    SteadyTime start = clock.steady();
    NS_RETURN_IF_ERROR(RunRound(runs, i, clock, stop, nullptr));
    double round = Seconds(start, clock.steady());
    if (round * *least <= options.budget_seconds) continue;
    *least = std::min(*least, std::max(kFewestRounds, static_cast<int>(options.budget_seconds / round)));
    return OkStatus();
  }
  return OkStatus();
}

}  // namespace

double Quantile(std::vector<double> values, double q) {
  NS_CHECK(!values.empty() && q >= 0 && q <= 1, "quantile {} of {} values", q, values.size());
  std::sort(values.begin(), values.end());
  double position = q * static_cast<double>(values.size() - 1);
  auto low = static_cast<size_t>(position);
  size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (position - static_cast<double>(low)) * (values[high] - values[low]);
}

LatencyRatio BootstrapSpeedup(std::span<const double> first, std::span<const double> other, uint64_t seed, int resamples) {
  NS_CHECK(first.size() == other.size() && !first.empty() && resamples > 0, "{} against {} samples", first.size(), other.size());
  auto ratio = [](const std::vector<double>& a, const std::vector<double>& b) { return Quantile(a, 0.5) / Quantile(b, 0.5); };
  LatencyRatio result;
  result.value = ratio({first.begin(), first.end()}, {other.begin(), other.end()});
  // Not std::uniform_int_distribution, whose numbers differ between standard libraries. The bias of % is below 2^-40 here.
  std::mt19937_64 random(seed);
  std::vector<double> a(first.size()), b(first.size()), ratios;
  for (int k = 0; k < resamples; ++k) {
    for (size_t i = 0; i < a.size(); ++i) {
      size_t drawn = random() % a.size();
      a[i] = first[drawn];
      b[i] = other[drawn];
    }
    ratios.push_back(ratio(a, b));
  }
  result.low = Quantile(ratios, 0.025);
  result.high = Quantile(ratios, 0.975);
  return result;
}

Result<std::vector<LatencyResult>> MeasureRuns(std::span<const TimedRun> runs, const LatencyOptions& options, const Clock& clock,
                                               std::stop_token stop, ProgressSink* progress) {
  if (runs.empty()) return InvalidArgument("nothing to measure", "NO_SESSIONS");
  PinnedHere pinned(options.pin_to_cores);
  int least = std::max(1, options.min_rounds);
  NS_RETURN_IF_ERROR(WarmUp(runs, options, clock, stop, &least));
  std::vector<LatencyResult> results(runs.size());
  SteadyTime start = clock.steady();
  int most = std::max(least, options.max_rounds);
  for (int round = 0; round < most; ++round) {
    double spent = Seconds(start, clock.steady());
    if (round >= least && spent >= options.budget_seconds) break;
    NS_RETURN_IF_ERROR(RunRound(runs, round, clock, stop, &results));
    if (progress != nullptr) {
      double share = std::max(static_cast<double>(round + 1) / most, std::min(1.0, spent / options.budget_seconds));
      progress->Progress("timing", share, 1);
    }
  }
  for (LatencyResult& result : results) {
    result.median_ms = Quantile(result.samples_ms, 0.5);
    result.p95_ms = Quantile(result.samples_ms, 0.95);
    if (&result != &results[0]) result.speedup = BootstrapSpeedup(results[0].samples_ms, result.samples_ms, options.seed);
  }
  return results;
}

Result<std::vector<LatencyResult>> MeasureLatency(std::span<const Session* const> sessions, std::span<const NamedTensors> rows,
                                                  const LatencyOptions& options, std::stop_token stop, ProgressSink* progress) {
  if (rows.empty()) return InvalidArgument("no rows to measure the latency on", "NO_ROWS");
  std::vector<TimedRun> runs;
  for (const Session* session : sessions) {
    runs.push_back([session, rows, stop](int round) {
      return session->Run(rows[static_cast<size_t>(round) % rows.size()], {}, stop).status();
    });
  }
  return MeasureRuns(runs, options, SystemClock(), stop, progress);
}

}  // namespace ns
