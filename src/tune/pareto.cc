#include "tune/pareto.h"

#include <algorithm>
#include <cmath>

namespace ns {

std::vector<size_t> ParetoSet(std::span<const ParetoCandidate> candidates, bool higher_is_better) {
  double sense = higher_is_better ? 1 : -1;
  auto usable = [&](size_t i) { return std::isfinite(candidates[i].accuracy) && std::isfinite(candidates[i].latency_ms); };
  auto at_least = [&](size_t a, size_t b) {
    return sense * candidates[a].accuracy >= sense * candidates[b].accuracy &&
           candidates[a].latency_ms <= candidates[b].latency_ms && candidates[a].size_bytes <= candidates[b].size_bytes;
  };
  std::vector<size_t> kept;
  for (size_t i = 0; i < candidates.size(); ++i) {
    bool dominated = !usable(i);
    for (size_t other = 0; other < candidates.size() && !dominated; ++other) {
      if (other == i || !usable(other) || !at_least(other, i)) continue;
      dominated = !at_least(i, other) || other < i;
    }
    if (!dominated) kept.push_back(i);
  }
  std::stable_sort(kept.begin(), kept.end(),
                   [&](size_t a, size_t b) { return sense * candidates[a].accuracy > sense * candidates[b].accuracy; });
  return kept;
}

}  // namespace ns
