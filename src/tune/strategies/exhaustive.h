// `exhaustive`: every configuration of the grid (choice_grid.h), each once, until the budget ends it or none is left that could
// be better than the best. One operator is one dimension, however many there are.
//
// Intel Neural Compressor's goes through the product of all options in the order in which the operators come, so that a budget
// is used up by the last few operators. This one begins with all static and all dynamic, then goes outwards from the usual
// configuration: first what differs from it in one place, then in two, so that any budget looks at all operators evenly.
#pragma once

#include "tune/strategy.h"

namespace ns {

class Exhaustive final : public Strategy {
 public:
  std::string_view name() const override { return "exhaustive"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
  std::string Explain(const TuningHistory& history) const override;
};

}  // namespace ns
