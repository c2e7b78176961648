// Ends the fp32 model's evaluation where it takes much longer than was expected of it and a timeout is set: fewer rows, evenly spread, then stand
// for all, so that a candidate and packaging may still fit.
#pragma once

#include <functional>
#include <vector>

#include "worker/evaluator.h"

namespace ns {

// Of 0 to count - 1, such that each beginning of it is evenly spread.
std::vector<size_t> SpreadOrder(size_t count);

class BaselineLimit final : public EvaluationWatch {
 public:
  struct Options {
    int64_t batches = 0;
    int64_t batch_size = 1;
    double expected_seconds = 0;  // of all batches
  };
  // `seconds_left`: of the timeout, now.
  BaselineLimit(Options options, std::function<double()> seconds_left);

  // Evenly spread, wherever it ends.
  const std::vector<size_t>& order() const override { return order_; }
  // False: when the timeout has passed; before that when twice the time expected has, with at least 30 % of what was left of the timeout and 16 rows.
  bool Add(size_t batch, std::span<const double> sums) override;
  // It is time to end, whether batches come or not.
  bool over() const;
  // How long it may take as far as can be said before it begins.
  double allowed_seconds() const { return allowed_seconds_; }

 private:
  std::function<double()> seconds_left_;
  double until_ = 0;  // in seconds left
  double allowed_seconds_ = 0;
  int64_t fewest_ = 0, seen_ = 0;  // batches
  std::vector<size_t> order_;
};

}  // namespace ns
