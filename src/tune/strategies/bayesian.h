// `bayesian`: Bayesian optimization with a Gaussian process (gaussian_process.h) and expected improvement over the grid
// (choice_grid.h).
//
// What is not known is the accuracy; how fast a point will be is predicted well from what was timed. So the process models the
// margin m to the goal, as sign(m) ln(1 + |m|) and standardized, and the improvement is that of ln(gain over fp32) if the goal is held:
//   EI(x) = P(m(x) >= 0) · ((u - u*) Φ(z) + s φ(z)),   z = (u - u*) / s,
// u the predicted ln(gain), u* the best one so far that holds (0: fp32), s = 0.05 what predictions are off by. The second factor is
// D. Jones, M. Schonlau, W. Welch, Efficient Global Optimization of Expensive Black-Box Functions, 1998, equation 15; the product
// J. Gardner and others, Bayesian Optimization with Inequality Constraints, ICML 2014, section 3.
//
// fp32 is an observation that costs nothing: its margin is known. A trial that was stopped early has the noise of an estimate from its rows
// (MarginOf() in proposals.h), one that failed counts as the worst seen. All static and all dynamic come first. Trials under way and those proposed
// together are taken to come out at their posterior mean (Kriging believer; D. Ginsbourger, R. Le Riche, L. Carraro, Kriging is
// well-suited to parallelize optimization, 2010, section 4.2).
//
// EI is maximised over all points where those are few, else over random points, the neighbours of the best trials, and by
// climbing from the best of these.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Bayesian final : public Strategy {
 public:
  std::string_view name() const override { return "bayesian"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
  std::string Explain(const TuningHistory& history) const override;
};

// ln of EI above, `mean` and `deviation` being those of the margin's model on its own scale, where the goal is at `goal`.
double LogExpectedImprovement(double mean, double deviation, double goal, double log_gain, double best_log_gain);

}  // namespace ns
