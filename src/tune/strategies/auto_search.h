// `auto`, the default: few full evaluations, by knowing before them what they are likely to say.
//
//  1. The forms that the model can take as a whole (static, dynamic, weights in 4 bits where the space has them) come first. One is
//     evaluated; then all are timed side by side, and another is evaluated only if it is faster than what already holds.
//  2. A form that is fast enough to be wanted but misses the accuracy is treated before anything is given up: other calibration,
//     cross-layer equalization, SmoothQuant, bias correction, alone and together, compared by the SQNR of the model's outputs
//     over a few rows. Only the best treatment is evaluated, and one more where SmoothQuant gains by an alpha for each layer.
//  3. If that still misses it, its operators are ranked by the harm they do for the time they save, and bisection finds how
//     few must be given up: at most 1 + ceil(log2(n)) evaluations for n operators. Bisection takes the loss to fall as more stay
//     in float; where it does not, it may end with more in float than needed, but what it accepts was evaluated on all rows.
//  4. What was given up may return: all of it in dynamic form, or the half that saves most for its harm.
//     What is hurt by weights in 4 bits is given up to 8 bits first. Where they are not the fastest form, they come last.
//  5. If nothing holds, weights alone in 8 bits: no faster, but a quarter of the size.
// Nothing is done that could not give at least Objective::least_gain more than the best so far.
#pragma once

#include "tune/strategies/inquiry.h"
#include "tune/strategy.h"

namespace ns {

class AutoSearch final : public Strategy {
 public:
  std::string_view name() const override { return "auto"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
  bool times_models() const override { return true; }
  std::string Explain(const TuningHistory& history) const override;
};

}  // namespace ns
