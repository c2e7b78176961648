// What the user can live with: one or several metrics, each with its own criterion. All of them must hold.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tune/accuracy_criterion.h"

namespace ns {

struct AccuracyGoal {
  std::string metric;
  AccuracyCriterion criterion;
  double baseline = 0;  // fp32's value, finite
  bool operator==(const AccuracyGoal&) const = default;
};

// Values are given in the order of the goals (NS_CHECK: as many).
class AccuracyGoals {
 public:
  AccuracyGoals() = default;
  explicit AccuracyGoals(std::vector<AccuracyGoal> goals);  // at least one; baselines finite (NS_CHECK)

  const std::vector<AccuracyGoal>& goals() const { return goals_; }
  std::vector<double> baseline() const;

  bool Accepts(std::span<const double> values) const;
  // How far the values are from their limits, in units of the loss that is tolerable (of 0.001 where that is less): the
  // least over the goals. At least 0 (but for rounding): accepted. A value that is not finite: -infinity.
  double Margin(std::span<const double> values) const;
  // Whether the fp32 model itself holds them all: a criterion may ask for more than it has.
  bool BaselineHolds() const { return Accepts(baseline()); }
  // AccuracyCriterion::Explain() of each, with the metric's name in front: "accuracy 0.8000 misses ...; f1 ...".
  std::string Explain(std::span<const double> values) const;

 private:
  std::vector<AccuracyGoal> goals_;
};

}  // namespace ns
