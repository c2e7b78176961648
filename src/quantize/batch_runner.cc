#include "quantize/batch_runner.h"

#include <algorithm>

#include "base/parallel.h"

namespace ns {

Status ForEachBatch(const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options, const BatchUse& use,
                    ProgressSink& progress, std::stop_token stop) {
  auto size = static_cast<size_t>(std::max<int64_t>(1, data.fixed_batch().value_or(options.batch_size)));
  auto batches = static_cast<int64_t>((rows.size() + size - 1) / size);
  auto job = [&](int worker, int64_t index) -> Status {
    size_t begin = static_cast<size_t>(index) * size;
    NS_ASSIGN_OR_RETURN(Batch batch, data.Read(rows.subspan(begin, std::min(size, rows.size() - begin))));
    return use(worker, index, batch);
  };
  auto done = [&](int64_t jobs) {
    size_t seen = std::min(rows.size(), static_cast<size_t>(jobs) * size);
    progress.Progress(options.stage, static_cast<double>(seen), static_cast<double>(rows.size()));
  };
  done(0);
  NS_RETURN_IF_ERROR(RunParallel(batches, options.threads, job, done, stop));
  done(batches);
  return OkStatus();
}

Status RunBatches(const Session& session, const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options,
                  const std::function<Status(BatchResult)>& use, ProgressSink& progress, std::stop_token stop) {
  auto run = [&](int worker, int64_t index, const Batch& batch) -> Status {
    BatchResult result{worker, index, &batch, {}};
    NS_ASSIGN_OR_RETURN(result.outputs, session.Run(batch.inputs, options.outputs, stop));
    return use(std::move(result));
  };
  return ForEachBatch(data, rows, options, run, progress, stop);
}

TensorView OwnRows(TensorView view, const Batch& batch, std::optional<int64_t> fixed) {
  auto own = static_cast<int64_t>(batch.rows.size());
  if (fixed && own < *fixed && !view.shape.empty() && view.shape[0] == *fixed) view.shape[0] = own;
  return view;
}

}  // namespace ns
