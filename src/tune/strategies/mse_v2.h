// `mse_v2`: operators are given up by their effect on the model's outputs, judged anew after each, until the accuracy is held; then
// those that matter least return, as long as it is held.
//
//  1. All static, then all dynamic. If static holds, that is the end. Else what misses is repaired, first that whose outputs are
//     nearer to fp32's; the other one then only as far as it promises more than what holds (the session sees to it).
//  2. Fall back: of the eight operators that rank as most harmful and are still quantized the one is given up without which the
//     outputs are nearest (a probe each, on a few rows). Evaluated when 1, 2, 4, 8, ... were given up; Intel Neural
//     Compressor probes all operators and evaluates after each one.
//  3. Revert: what was given up, the one first whose return harms the outputs least; how many can return is found as in
//     LeastThatHolds(), instead of one evaluation each.
//
// At most 2 evaluations, and 2 + 3 ceil(log2(n)) for each form that is repaired.
#pragma once

#include "tune/strategy.h"

namespace ns {

class MseV2 final : public Strategy {
 public:
  std::string_view name() const override { return "mse_v2"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
};

}  // namespace ns
