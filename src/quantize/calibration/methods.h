// From the statistics of a tensor to the range that its integers cover: the calibration methods, one file each.
#pragma once

#include <span>

#include "base/status.h"
#include "quantize/config.h"
#include "quantize/observers/observer.h"

namespace ns {

// The range by `method`, with the parameters in `config`. FailedPrecondition (NO_DATA) when the observer saw nothing or kept no histogram for a method that
// needs one; InvalidArgument (BAD_PERCENTILE, BAD_AVERAGING_CONSTANT) for parameters outside their bounds.
Result<Range> RangeByMethod(const TensorObserver& observer, CalibrationMethod method, const QuantConfig& config);

// The statistics that these methods need.
TensorObserver::Options ObserverOptionsFor(std::span<const CalibrationMethod> methods);

// The methods on histograms. `seen` is the range of all values; the result lies inside it. `histogram` is not empty.

// Cuts (100 - percentile) / 2 % of the values at either end, interpolating linearly inside a bin.
Range PercentileRange(const ValueHistogram& histogram, Range seen, double percentile);

// The symmetric clipping threshold whose 8-bit quantized distribution has the least Kullback-Leibler divergence from the distribution
// with its outliers moved into the outermost bins (S. Migacz, "8-bit Inference with TensorRT", GTC 2017); the bin of zero counts as much
// as its larger neighbour, since exact zeros cost nothing.
Range EntropyRange(const ValueHistogram& histogram, Range seen);

// Either end shrunk in turn to the candidate (of 80 a side) with the least sum over the bins of count * (x - x')^2, x the bin's centre
// and x' its value after AsymmetricUint8 quantization.
Range MseRange(const ValueHistogram& histogram, Range seen);

}  // namespace ns
