// `conservative`: accuracy first. Begins with fp32 and quantizes one operator type after the other, keeping each that holds the
// accuracy: convolutions, then MatMul, then Gemm, then the other types in the order of the model. So it says which types of
// operators cost accuracy, and has a model to hand out after the first type that holds. (Intel Neural Compressor's quant_level 0.)
//
// A type that misses the accuracy in static form is tried in dynamic form before it stays in float. At most two evaluations a
// type; a type that would add less than Objective::least_gain to the best so far is not tried.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Conservative final : public Strategy {
 public:
  std::string_view name() const override { return "conservative"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
};

}  // namespace ns
