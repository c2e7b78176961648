// When an evaluation may end before its last row because the model is sure to miss the goal, for metrics that add up over rows.
//
// The rows come in units (batches). The loss of a unit is the baseline's score less the candidate's (the other way round where
// lower is better); the model holds the goal when the losses of all units sum to at most `allowed`. Two rules, of which
// either ends the evaluation; an evaluation is never cut short to accept a model.
//
//  - Certain: even if the model did as well as is possible in all units that are left, it would miss.
//  - Paired sequential test: units in a seeded random order are a sample without replacement. If the model held the goal, the mean
//    loss of the units that are left would be at most m_t = (allowed - losses so far) / units left, and the product
//    K_t = Π (1 + λ_t (loss_t - m_t)) would be a supermartingale that starts at 1, whatever 0 <= λ_t <= 1 / (m_t - least
//    possible loss) is chosen from the past. By Ville's inequality it reaches 1/ε with probability at most ε, at all times
//    together, so looking after each unit costs nothing. (I. Waudby-Smith and A. Ramdas, Confidence sequences for sampling without
//    replacement, NeurIPS 2020, and Estimating means of bounded random variables by betting, JRSS B 86, 2024; λ by the latter's
//    approximate growth-rate rule.)
//
// Units on which earlier candidates did worst come first, where they decide soonest; what follows them is the random sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ns {

// The order in which units are evaluated: first `hard`, as given, then the others, shuffled by `seed`.
std::vector<size_t> UnitOrder(size_t units, std::span<const size_t> hard, uint64_t seed);

// The units in which a failed candidate lost most, most first: as many as would make up twice `allowed`, which is what it
// takes for the certain rule to see the same failure again. Losses by unit, NaN where it was not evaluated.
std::vector<size_t> HardUnits(std::span<const double> losses, double allowed);

class EarlyStop {
 public:
  struct Options {
    std::vector<double> least_losses;  // by unit: of a model that is as good as is possible there
    double allowed = 0;                // Σ losses of a model that just holds the goal
    size_t hard = 0;                   // so many units come first, not at random
    double error = 1e-4;               // ε: of ending the evaluation of a model that would have held the goal
  };
  // `order`: of the units; NS_CHECK: a permutation.
  EarlyStop(Options options, std::span<const size_t> order);

  enum class Verdict { kGoOn, kCertainMiss, kLikelyMiss };
  // The loss of the next unit of the order. Not after the last one, nor after a miss (NS_CHECK).
  Verdict Add(double loss);

 private:
  double Bet(double mean_if_held) const;

  Options options_;
  std::vector<double> least_losses_;  // in the order of evaluation
  size_t seen_ = 0;
  double lost_ = 0;       // Σ losses so far
  double least_left_ = 0;  // Σ least losses of what is left
  double floor_ = 0;      // the least of all least losses
  double log_evidence_ = 0;
  // Of the random units: their number, sum and sum of squares, for the next bet.
  double count_ = 0, sum_ = 0, squares_ = 0;
};

}  // namespace ns
