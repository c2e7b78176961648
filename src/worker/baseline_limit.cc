#include "worker/baseline_limit.h"

#include <algorithm>

namespace ns {

namespace {

constexpr double kOverrun = 2;    // estimates are from a few rows
constexpr double kShare = 0.3;    // of what is left of the timeout: not hurried before
constexpr int64_t kFewestRows = 16;

}  // namespace

// Their bits in the opposite order.
std::vector<size_t> SpreadOrder(size_t count) {
  std::vector<size_t> order;
  size_t all = 1;
  while (all < count) all *= 2;
  for (size_t i = 0; i < all; ++i) {
    size_t reversed = 0;
    for (size_t bit = 1; bit < all; bit *= 2) reversed = 2 * reversed + ((i & bit) != 0 ? 1 : 0);
    if (reversed < count) order.push_back(reversed);
  }
  return order;
}

BaselineLimit::BaselineLimit(Options options, std::function<double()> seconds_left)
    : seconds_left_(std::move(seconds_left)),
      fewest_((kFewestRows + options.batch_size - 1) / options.batch_size),
      order_(SpreadOrder(static_cast<size_t>(options.batches))) {
  double left = seconds_left_();
  until_ = std::max(left - std::max(kOverrun * options.expected_seconds, kShare * left), 0.0);
  allowed_seconds_ = std::max(left - until_, 0.0);
}

bool BaselineLimit::Add(size_t, std::span<const double>) {
  ++seen_;
  return !over();
}

bool BaselineLimit::over() const {
  double left = seconds_left_();
  return left <= 0 || (left <= until_ && seen_ >= fewest_);
}

}  // namespace ns
