// From the statistics of a value to the figures of a report.
#pragma once

#include <optional>
#include <string>

#include "graph/model.h"
#include "quantize/observers/channel_observer.h"
#include "quantize/observers/observer.h"
#include "tasks/operator_report.h"

namespace ns {

// The same counts in at most `bins` bins that cover `seen`: neighbours are merged by powers of two, so that 0 stays an edge.
HistogramReport CoarseHistogram(const ValueHistogram& histogram, Range seen, int bins = 32);

// The largest magnitude in units of the one that 99.9 % of the values don't exceed, to the width of a bin; 1 where all are 0.
double TailRatio(const ValueHistogram& histogram, Range seen);

// The share of values in bins that lie wholly outside of `covered`.
double OutsideShare(const ValueHistogram& histogram, Range covered);

// The largest magnitude of any channel in units of the median channel's (of an even number, the higher of the two in the middle); none: fewer
// than two channels, or a median of 0.
std::optional<double> ChannelRatio(const ChannelObserver& channels);

// All of the above. `covered`: what the value's integers stand for; `channels` may be null. Errors of the observer: nothing was seen.
Result<ActivationReport> ActivationFigures(const std::string& value, const TensorObserver& observer, std::optional<Range> covered,
                                           const ChannelObserver* channels);

// Of a float32 weight. Errors of Model::Weight().
Result<WeightReport> WeightFigures(const Model& model, const std::string& name, int channel_axis);

}  // namespace ns
