#include <algorithm>
#include <cmath>
#include <vector>

#include "quantize/calibration/methods.h"

namespace ns {

namespace {

constexpr int kLevels = 256;
constexpr int kCandidates = 128;

// Bins [first, first + counts.size()) of the part of the axis that holds values.
struct Slice {
  int32_t first = 0;
  std::vector<double> counts;
  int32_t end() const { return first + static_cast<int32_t>(counts.size()); }
};

Slice Occupied(const ValueHistogram& histogram) {
  int32_t first = ValueHistogram::kHalfBins, last = -ValueHistogram::kHalfBins - 1;
  for (int32_t bin = -ValueHistogram::kHalfBins; bin < ValueHistogram::kHalfBins; ++bin) {
    if (histogram.count(bin) == 0) continue;
    first = std::min(first, bin);
    last = bin;
  }
  // Both sides start at zero: the quantized range contains it.
  first = std::min(first, 0);
  last = std::max(last, 0);
  Slice slice;
  slice.first = first;
  for (int32_t bin = first; bin <= last; ++bin) slice.counts.push_back(static_cast<double>(histogram.count(bin)));
  auto at = [&](int32_t bin) { return bin < first || bin > last ? 0.0 : slice.counts[static_cast<size_t>(bin - first)]; };
  slice.counts[static_cast<size_t>(-first)] = std::min(at(0), std::max(at(-1), at(1)));
  return slice;
}

// sum p ln(p / q) over the clipped bins: p the counts with the outliers in the end bins, q the counts averaged over the bins that share a
// quantization level (bins without counts stay without), both normalized.
double Divergence(const Slice& slice, size_t begin, size_t end) {
  std::vector<double> p(slice.counts.begin() + static_cast<long>(begin), slice.counts.begin() + static_cast<long>(end));
  double inside = 0;
  for (double count : p) inside += count;
  if (inside == 0) return INFINITY;
  std::vector<double> q(p.size(), 0);
  for (int level = 0; level < kLevels; ++level) {
    size_t from = p.size() * static_cast<size_t>(level) / kLevels, to = p.size() * static_cast<size_t>(level + 1) / kLevels;
    double sum = 0, used = 0;
    for (size_t i = from; i < to; ++i) {
      sum += p[i];
      used += p[i] > 0;
    }
    for (size_t i = from; i < to; ++i) q[i] = p[i] > 0 ? sum / used : 0;
  }
  double outside = 0;
  for (size_t i = 0; i < begin; ++i) p.front() += slice.counts[i], outside += slice.counts[i];
  for (size_t i = end; i < slice.counts.size(); ++i) p.back() += slice.counts[i], outside += slice.counts[i];
  // A clipped bin that had no counts of its own has q = 0; a small floor keeps its divergence large but finite.
  double total = inside + outside, floor = 1e-4, divergence = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) divergence += p[i] / total * std::log(p[i] / total / (std::max(q[i], floor) / inside));
  }
  return divergence;
}

}  // namespace

Range EntropyRange(const ValueHistogram& histogram, Range seen) {
  Slice slice = Occupied(histogram);
  int32_t reach = std::max(-slice.first, slice.end());
  int32_t stride = std::max(1, reach / kCandidates);
  double best = INFINITY;
  int32_t threshold = reach;
  for (int32_t candidate = reach; candidate > 0; candidate -= stride) {
    auto begin = static_cast<size_t>(std::max(slice.first, -candidate) - slice.first);
    auto end = static_cast<size_t>(std::min(slice.end(), candidate) - slice.first);
    if (end - begin < kLevels) break;  // finer than the levels: nothing is lost inside, so the divergence says nothing
    double divergence = Divergence(slice, begin, end);
    if (divergence < best) {
      best = divergence;
      threshold = candidate;
    }
  }
  auto limit = static_cast<float>(threshold * histogram.width());
  return {std::clamp(-limit, seen.min, seen.max), std::clamp(limit, seen.min, seen.max)};
}

}  // namespace ns
