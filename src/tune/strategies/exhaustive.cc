#include "tune/strategies/exhaustive.h"

#include <limits>

#include "tune/strategies/proposals.h"

namespace ns {

std::vector<Proposal> Exhaustive::Propose(const TuningHistory& history, int count) {
  ChoiceGrid grid(history.problem(), std::numeric_limits<size_t>::max());
  GainForecast forecast(history, grid);
  Proposals proposals(history, grid, forecast, count);
  proposals.TakeForms();
  proposals.Walk();
  return std::move(proposals).all();
}

std::string Exhaustive::Explain(const TuningHistory& history) const { return WhyNoMore(history, std::numeric_limits<size_t>::max()); }

}  // namespace ns
