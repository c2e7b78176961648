#include "tune/strategies/random.h"

#include <algorithm>

namespace ns {

void Random::Fill(const TuningHistory& history, const ChoiceGrid& grid, Proposals* proposals) {
  // The draws are always the same; those that are known already are passed over.
  double most = std::min(200.0 + 4 * static_cast<double>(history.trials().size()), 4 * grid.size());
  for (size_t i = 0; static_cast<double>(i) < most && !proposals->full(); ++i) {
    auto random = RandomFor(history.problem().seed, i);
    proposals->Take(grid.Draw(random));
  }
  proposals->Walk();
}

std::vector<Proposal> Random::Propose(const TuningHistory& history, int count) {
  ChoiceGrid grid(history.problem(), kMostDimensions);
  GainForecast forecast(history, grid);
  Proposals proposals(history, grid, forecast, count);
  proposals.TakeForms();
  Fill(history, grid, &proposals);
  return std::move(proposals).all();
}

std::string Random::Explain(const TuningHistory& history) const { return WhyNoMore(history, kMostDimensions); }

}  // namespace ns
