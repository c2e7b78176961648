// The latency that a user would see: models side by side on the same cores, with real rows.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "graph/model.h"
#include "runtime/session.h"
#include "runtime/timing.h"
#include "worker/options.h"

namespace ns {

struct LatencyRun {
  int threads = 1;            // of one run
  std::vector<int> cores;     // threads run on the first of these
  double budget_seconds = 6;  // of measuring, all models together
};

// Settings with the defaults filled in: `cores` as given or all usable ones, threads as many.
LatencyRun MakeLatencyRun(const LatencySettings& settings, const std::vector<int>& cores);

// Session options that measure as `run` says.
SessionOptions TimedSession(const LatencyRun& run);

// `count` inputs of `batch` rows each, taken from `rows` in order and again from the start when they run out. A model
// with a fixed batch gets that one.
Result<std::vector<NamedTensors>> LatencyRows(const DataSet& data, std::span<const int64_t> rows, int64_t batch,
                                              size_t count);

// Inputs made up from the model's: batch `batch`, free sizes `free_size`, floats in [0, 1) from `seed`, whole
// numbers 1. For timing and memory, where values hardly matter. InvalidArgument (NO_MADE_UP_INPUT): an input is of strings,
// or no memory could hold it.
Result<NamedTensors> MadeUpInputs(std::span<const TensorSpec> inputs, int64_t batch, int64_t free_size, uint64_t seed);

// The same with the largest of 128, 64, ... 1 as free size with which `session`, of that model, runs: how many positions a model has is in no shape.
// Errors of Session::Run() with the last.
Result<NamedTensors> LongestInputs(const Session& session, std::span<const TensorSpec> inputs, int64_t batch, uint64_t seed, std::stop_token stop);

// The sessions one against another; the first is what the others are compared with. Errors of MeasureLatency().
Result<std::vector<LatencyResult>> MeasureSessions(std::span<const Session* const> sessions,
                                                   std::span<const NamedTensors> rows, const LatencyRun& run,
                                                   ProgressSink& progress, std::stop_token stop);

}  // namespace ns
