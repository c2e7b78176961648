#include "tune/strategies/mse.h"

#include "tune/strategies/staged_search.h"

namespace ns {

std::vector<Proposal> Mse::Propose(const TuningHistory& history, int count) {
  return Inquiry::Plan(history, count, [](Inquiry& ask) { return SearchInStages(ask, Impact::kOwnError); });
}

}  // namespace ns
