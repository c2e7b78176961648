#include "worker/value_figures.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "quantize/recipes/channel_scale.h"

namespace ns {

namespace {

constexpr double kTail = 0.001;

double Reach(Range range) { return std::max(std::abs(static_cast<double>(range.min)), std::abs(static_cast<double>(range.max))); }

// floor(value / width), inside the histogram.
int32_t BinOf(double value, double width) {
  return static_cast<int32_t>(std::clamp(std::floor(value / width), -static_cast<double>(ValueHistogram::kHalfBins), ValueHistogram::kHalfBins - 1.0));
}

int32_t FloorDivide(int32_t a, int32_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

HistogramReport CoarseHistogram(const ValueHistogram& histogram, Range seen, int bins) {
  HistogramReport report;
  if (histogram.empty()) return report;
  int32_t first = BinOf(seen.min, histogram.width()), last = BinOf(seen.max, histogram.width());
  int32_t merged = 1;
  while (FloorDivide(last, merged) - FloorDivide(first, merged) + 1 > bins) merged *= 2;
  int32_t begin = FloorDivide(first, merged), end = FloorDivide(last, merged) + 1;
  report.bin_width = histogram.width() * merged;
  report.low = begin * report.bin_width;
  report.counts.assign(static_cast<size_t>(end - begin), 0);
  for (int32_t i = first; i <= last; ++i) report.counts[static_cast<size_t>(FloorDivide(i, merged) - begin)] += histogram.count(i);
  return report;
}

double TailRatio(const ValueHistogram& histogram, Range seen) {
  if (histogram.empty()) return 1;
  std::vector<int64_t> by_reach(ValueHistogram::kHalfBins, 0);  // both signs together, by distance from 0
  int64_t all = 0;
  for (int32_t i = 0; i < ValueHistogram::kHalfBins; ++i) {
    by_reach[static_cast<size_t>(i)] = histogram.count(i) + histogram.count(-1 - i);
    all += by_reach[static_cast<size_t>(i)];
  }
  auto beyond = static_cast<int64_t>(std::floor(kTail * static_cast<double>(all)));
  int32_t bin = ValueHistogram::kHalfBins - 1;
  for (; bin > 0 && by_reach[static_cast<size_t>(bin)] <= beyond; --bin) beyond -= by_reach[static_cast<size_t>(bin)];
  double usual = std::min(histogram.width() * (bin + 1), Reach(seen));
  return usual > 0 ? Reach(seen) / usual : 1;
}

double OutsideShare(const ValueHistogram& histogram, Range covered) {
  if (histogram.empty()) return 0;
  int64_t all = 0, outside = 0;
  for (int32_t i = -ValueHistogram::kHalfBins; i < ValueHistogram::kHalfBins; ++i) {
    all += histogram.count(i);
    if ((i + 1) * histogram.width() <= covered.min || i * histogram.width() > covered.max) outside += histogram.count(i);
  }
  return all > 0 ? static_cast<double>(outside) / static_cast<double>(all) : 0;
}

std::optional<double> ChannelRatio(const ChannelObserver& channels) {
  std::vector<double> reach;
  for (size_t i = 0; i < channels.min().size(); ++i) reach.push_back(Reach({channels.min()[i], channels.max()[i]}));
  if (reach.size() < 2) return std::nullopt;
  std::sort(reach.begin(), reach.end());
  double median = reach[reach.size() / 2];
  return median > 0 ? std::optional(reach.back() / median) : std::nullopt;
}

Result<ActivationReport> ActivationFigures(const std::string& value, const TensorObserver& observer, std::optional<Range> covered,
                                           const ChannelObserver* channels) {
  NS_ASSIGN_OR_RETURN(Range seen, observer.range());
  ActivationReport report;
  report.value = value;
  report.min = seen.min;
  report.max = seen.max;
  const ValueHistogram& histogram = observer.histogram();
  if (covered) {
    report.low = covered->min;
    report.high = covered->max;
    report.outside = OutsideShare(histogram, *covered);
  }
  if (channels != nullptr) report.channel_ratio = ChannelRatio(*channels);
  if (!histogram.empty()) {
    report.tail_ratio = TailRatio(histogram, seen);
    report.histogram = CoarseHistogram(histogram, seen);
  }
  return report;
}

Result<WeightReport> WeightFigures(const Model& model, const std::string& name, int channel_axis) {
  NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(name));
  WeightReport report;
  double narrowest = 0;
  for (float reach : AbsMaximaAlong(weight, channel_axis)) {
    report.absmax = std::max(report.absmax, static_cast<double>(reach));
    if (reach > 0 && (narrowest == 0 || reach < narrowest)) narrowest = reach;
    ++report.channels;
  }
  if (narrowest > 0) report.channel_ratio = report.absmax / narrowest;
  return report;
}

}  // namespace ns
