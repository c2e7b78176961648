#include "tune/strategies/basic.h"

#include "tune/strategies/staged_search.h"

namespace ns {

std::vector<Proposal> Basic::Propose(const TuningHistory& history, int count) {
  return Inquiry::Plan(history, count, [](Inquiry& ask) { return SearchInStages(ask, Impact::kOutputs); });
}

}  // namespace ns
