// The models among which no other is better in every respect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ns {

struct ParetoCandidate {
  double accuracy = 0;  // the metric's value
  double latency_ms = 0;
  uint64_t size_bytes = 0;
};

// Positions of the candidates that no other dominates (is at least as good in accuracy, latency and size, and better in one), by
// falling accuracy; of equal ones the first only. Candidates with a value that is not finite are left out.
std::vector<size_t> ParetoSet(std::span<const ParetoCandidate> candidates, bool higher_is_better);

}  // namespace ns
