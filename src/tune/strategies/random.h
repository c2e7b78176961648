// `random`: points of the grid (choice_grid.h) drawn with the problem's seed, without replacement. All static and all dynamic
// come first; how many operators a draw leaves in float is drawn first, so that cautious and bold configurations are as likely.
//
// Which configurations are drawn does not depend on results, but for those left out because they could not be better than the
// best: any number of workers draws the same.
#pragma once

#include "tune/strategies/proposals.h"
#include "tune/strategy.h"

namespace ns {

class Random final : public Strategy {
 public:
  std::string_view name() const override { return "random"; }
  std::vector<Proposal> Propose(const TuningHistory& history, int count) override;
  std::string Explain(const TuningHistory& history) const override;

  // Fills up with draws, and with a walk when nearly everything was drawn.
  static void Fill(const TuningHistory& history, const ChoiceGrid& grid, Proposals* proposals);
  // So many dimensions of operators are told apart.
  static constexpr size_t kMostDimensions = 32;
};

}  // namespace ns
