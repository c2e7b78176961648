// Runs a model over rows of a data set, several batches side by side, one inference thread each: without the waiting that threads inside
// one inference have, and with memory for `threads` batches at once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/data_set.h"
#include "runtime/session.h"

namespace ns {

struct BatchRunOptions {
  int threads = 1;
  int64_t batch_size = 1;              // rows a batch; a data set with a fixed batch keeps to its own
  std::vector<std::string> outputs;    // that are computed, in this order
  std::string_view stage;              // for progress, in rows
};

// What one batch gave. Where a fixed batch was filled up, tensors still hold the filler: only the first rows.size() of axis 0 count.
struct BatchResult {
  int worker = 0;             // in [0, threads): calls with the same worker never overlap
  int64_t index = 0;          // of the batch, counted over all rows
  const Batch* batch = nullptr;
  std::vector<Tensor> outputs;
};

// The plain form: `use` gets each batch as it was read, by the number of the worker and of the batch, and runs what it likes on it.
// `options.outputs` is not looked at.
using BatchUse = std::function<Status(int worker, int64_t index, const Batch& batch)>;
Status ForEachBatch(const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options, const BatchUse& use,
                    ProgressSink& progress, std::stop_token stop);

// Calls `use` once for each batch, from `threads` threads at once, in no particular order. Ends at the first error, of reading, running
// or `use`, and returns it; Cancelled on stop.
Status RunBatches(const Session& session, const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options,
                  const std::function<Status(BatchResult)>& use, ProgressSink& progress, std::stop_token stop);

// The part of `tensor` that belongs to the batch's own rows: all of it, or less when a fixed batch of `fixed` rows was filled up.
TensorView OwnRows(TensorView tensor, const Batch& batch, std::optional<int64_t> fixed);

}  // namespace ns
