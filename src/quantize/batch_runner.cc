#include "quantize/batch_runner.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace ns {

namespace {

// State that the threads of one ForEachBatch() share.
class Runner {
 public:
  Runner(const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options, const BatchUse& use,
         ProgressSink& progress, std::stop_token stop)
      : data_(data), rows_(rows), options_(options), use_(use), progress_(progress), stop_(stop) {
    size_ = static_cast<size_t>(std::max<int64_t>(1, data.fixed_batch().value_or(options.batch_size)));
  }

  Status Run() {
    progress_.Progress(options_.stage, 0, static_cast<double>(rows_.size()));
    size_t batches = (rows_.size() + size_ - 1) / size_;
    size_t count = std::clamp<size_t>(static_cast<size_t>(options_.threads), 1, std::max<size_t>(batches, 1));
    std::vector<std::jthread> helpers;
    for (size_t worker = 1; worker < count; ++worker) {
      helpers.emplace_back([this, worker] { Work(static_cast<int>(worker)); });
    }
    Work(0);
    helpers.clear();
    return failure_;
  }

 private:
  void Work(int worker) {
    while (!failed_) {
      size_t index = next_.fetch_add(1);
      if (index * size_ >= rows_.size()) return;
      Status status = stop_.stop_requested() ? Cancelled() : One(worker, index);
      std::lock_guard lock(mutex_);
      if (!status.ok()) {
        if (failure_.ok()) failure_ = status;
        failed_ = true;
        return;
      }
      done_ += std::min(size_, rows_.size() - index * size_);
      progress_.Progress(options_.stage, static_cast<double>(done_), static_cast<double>(rows_.size()));
    }
  }

  Status One(int worker, size_t index) {
    auto rows = rows_.subspan(index * size_, std::min(size_, rows_.size() - index * size_));
    NS_ASSIGN_OR_RETURN(Batch batch, data_.Read(rows));
    return use_(worker, static_cast<int64_t>(index), batch);
  }

  const DataSet& data_;
  std::span<const int64_t> rows_;
  const BatchRunOptions& options_;
  const BatchUse& use_;
  ProgressSink& progress_;
  std::stop_token stop_;
  size_t size_ = 1;

  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  size_t done_ = 0;
  Status failure_;
};

}  // namespace

Status ForEachBatch(const DataSet& data, std::span<const int64_t> rows, const BatchRunOptions& options, const BatchUse& use,
                    ProgressSink& progress, std::stop_token stop) {
  return Runner(data, rows, options, use, progress, stop).Run();
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
