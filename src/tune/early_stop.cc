#include "tune/early_stop.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/status.h"

namespace ns {

namespace {

// Sums of doubles in two orders differ by rounding; a model at the very limit is let through.
constexpr double kRounding = 1e-6;
constexpr double kLargestBet = 0.9;  // of what would risk everything on one unit

}  // namespace

std::vector<size_t> UnitOrder(size_t units, std::span<const size_t> hard, uint64_t seed) {
  std::vector<bool> first(units, false);
  std::vector<size_t> order;
  for (size_t unit : hard) {
    NS_CHECK(unit < units && !first[unit], "unit {}", unit);
    first[unit] = true;
    order.push_back(unit);
  }
  for (size_t unit = 0; unit < units; ++unit)
    if (!first[unit]) order.push_back(unit);
  // Not std::shuffle, whose result differs from library to library.
  std::mt19937_64 random(seed);
  for (size_t left = units - hard.size(); left > 1; --left)
    std::swap(order[hard.size() + left - 1], order[hard.size() + random() % left]);
  return order;
}

std::vector<size_t> HardUnits(std::span<const double> losses, double allowed) {
  std::vector<size_t> units;
  for (size_t unit = 0; unit < losses.size(); ++unit)
    if (losses[unit] > 0) units.push_back(unit);
  std::stable_sort(units.begin(), units.end(), [&](size_t a, size_t b) { return losses[a] > losses[b]; });
  double sum = 0;
  size_t enough = 0;
  while (enough < units.size() && sum <= 2 * std::max(allowed, 0.0)) sum += losses[units[enough++]];
  units.resize(enough);
  return units;
}

EarlyStop::EarlyStop(Options options, std::span<const size_t> order) : options_(std::move(options)) {
  NS_CHECK(order.size() == options_.least_losses.size() && options_.hard <= order.size());
  for (size_t unit : order) least_losses_.push_back(options_.least_losses.at(unit));
  least_left_ = std::accumulate(least_losses_.begin(), least_losses_.end(), 0.0);
  for (double least : least_losses_) floor_ = std::min(floor_, least);
}

// Kelly's rule for the mean and variance seen so far, with one unit of no loss added, so that the first bets are small.
double EarlyStop::Bet(double mean_if_held) const {
  double mean = sum_ / (count_ + 1);
  double variance = std::max(squares_ / (count_ + 1) - mean * mean, 0.0) + 1e-4;
  double excess = mean - mean_if_held;
  if (excess <= 0) return 0;
  double most = kLargestBet / std::max(mean_if_held - floor_, 1e-12);
  return std::min(excess / (variance + excess * excess), most);
}

EarlyStop::Verdict EarlyStop::Add(double loss) {
  NS_CHECK(seen_ < least_losses_.size());
  double slack = kRounding * (1 + std::abs(options_.allowed));
  double left = static_cast<double>(least_losses_.size() - seen_);
  if (seen_ >= options_.hard) {
    double mean_if_held = (options_.allowed + slack - lost_) / left;
    double factor = 1 + Bet(mean_if_held) * (loss - mean_if_held);
    log_evidence_ += std::log(std::max(factor, 1e-300));
    count_ += 1;
    sum_ += loss;
    squares_ += loss * loss;
  }
  least_left_ -= least_losses_[seen_];
  lost_ += loss;
  ++seen_;
  if (!(lost_ + least_left_ <= options_.allowed + slack)) return Verdict::kCertainMiss;
  if (log_evidence_ >= -std::log(options_.error)) return Verdict::kLikelyMiss;
  return Verdict::kGoOn;
}

}  // namespace ns
