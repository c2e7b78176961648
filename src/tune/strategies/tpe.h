// `tpe`: tree-structured Parzen estimator (J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, Algorithms for Hyper-Parameter
// Optimization, NIPS 2011, section 4) over the grid (choice_grid.h).
//
// Trials are split by ScoreOf() (proposals.h) into the best quarter and the others. Of either the options of each dimension are
// counted, with one count more spread evenly over all options (the prior): l(x) of the good, g(x) of the others, dimensions
// taken as independent. Of points drawn from l the one with the greatest l(x) / g(x), which maximises expected improvement, is
// evaluated. fp32 counts as one observation: it holds the accuracy and gains nothing.
//
// All static, all dynamic and a few random points come first. Trials under way count among the others (the constant liar), so
// that workers spread.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Tpe final : public Strategy {
 public:
  std::string_view name() const override { return "tpe"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
  std::string Explain(const TuningHistory& history) const override;
};

}  // namespace ns
