// One run of the float model over calibration rows: the statistics of the values that were asked for.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "graph/graph_index.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/observers/channel_observer.h"
#include "quantize/observers/observer.h"

namespace ns {

struct CalibrationOptions {
  std::vector<CalibrationMethod> methods = {CalibrationMethod::kMinMax};  // decide which statistics are kept; see Quantizer::Calibrate()
  int threads = 1;         // rows calibrated side by side, one inference thread each
  int64_t batch_size = 1;  // rows of one inference; the moving average's unit
  int64_t first_batch = 0;  // the number of the first batch of the rows given: where they are a part of all
  bool attention = false;  // keep statistics for QuantConfig::quantize_attention too
  // Keep statistics of each channel of what products and convolutions read, which the recipes need (QuantConfig::smooth_quant, equalize,
  // bias_correction). Convolutions' inputs are then read in plain layout, which takes longer (docs/design/quantization.md).
  bool channels = false;
};

struct ChannelKey {
  std::string value;
  ChannelAxis axis = ChannelAxis::kLast;
  auto operator<=>(const ChannelKey&) const = default;
};

struct Watched {
  std::set<std::string> values;    // their ranges or histograms
  std::set<ChannelKey> channels;
};

struct Statistics {
  std::map<std::string, TensorObserver> values;
  std::map<ChannelKey, ChannelObserver> channels;

  // Adds what was collected by the same options from other batches: any split of the rows into whole batches gives the same in the end.
  void Merge(Statistics other);
};

// The statistics don't depend on `options.threads`. InvalidArgument (NON_FINITE_VALUE) names the value, its operator and the row; errors of
// Session; Cancelled.
Result<Statistics> CollectStatistics(const Model& model, const GraphIndex& index, const Watched& watched, const DataSet& data,
                                     std::span<const int64_t> rows, const CalibrationOptions& options, ProgressSink& progress,
                                     std::stop_token stop);

}  // namespace ns
