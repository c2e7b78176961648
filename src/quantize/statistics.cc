#include "quantize/statistics.h"

#include <algorithm>
#include <optional>

#include "quantize/batch_runner.h"
#include "quantize/calibration/methods.h"
#include "runtime/tapped_session.h"

namespace ns {

namespace {

std::string RowsText(const std::vector<int64_t>& rows) {
  return rows.size() == 1 ? fmt::format("row {}", rows[0]) : fmt::format("rows {} to {}", rows.front(), rows.back());
}

Status NonFinite(const GraphIndex& index, const std::string& value, const Batch& batch) {
  const auto* producer = index.ProducerNode(value);
  return InvalidArgument(fmt::format("NaN or infinity in '{}' ({}) at {} of the calibration data", value,
                                     producer != nullptr ? "output of operator '" + producer->name() + "'" : "a model input",
                                     RowsText(batch.rows)),
                         "NON_FINITE_VALUE");
}

// What one worker keeps of one value.
struct ValueStatistics {
  TensorObserver tensor;
  std::vector<ChannelObserver> channels;  // one for each axis asked for

  void Merge(const ValueStatistics& other) {
    tensor.Merge(other.tensor);
    for (size_t i = 0; i < channels.size(); ++i) channels[i].Merge(other.channels[i]);
  }
};

class Collector {
 public:
  Collector(const Model& model, const GraphIndex& index, const Watched& watched, const DataSet& data, const CalibrationOptions& options)
      : model_(model), index_(index), data_(data), options_(options) {
    std::map<std::string, std::vector<ChannelAxis>> axes;
    for (const std::string& value : watched.values) axes[value];
    for (const ChannelKey& key : watched.channels) axes[key.value].push_back(key.axis);
    // Those that nodes make first: they are the taps.
    for (bool input : {false, true}) {
      for (const auto& [value, channel_axes] : axes) {
        if (index.IsInput(value) != input) continue;
        names_.push_back(value);
        axes_.push_back(channel_axes);
        computed_ += input ? 0 : 1;
      }
    }
  }

  Result<Statistics> Run(std::span<const int64_t> rows, ProgressSink& progress, std::stop_token stop) {
    if (names_.empty()) return Statistics{};
    NS_RETURN_IF_ERROR(OpenSession());
    workers_.assign(static_cast<size_t>(std::max(1, options_.threads)), Empty());
    auto use = [&](int worker, int64_t number, const Batch& batch) { return Observe(worker, options_.first_batch + number, batch, stop); };
    BatchRunOptions run{options_.threads, options_.batch_size, {}, "calibrate"};
    NS_RETURN_IF_ERROR(ForEachBatch(data_, rows, run, use, progress, stop));
    return Merged();
  }

 private:
  Status OpenSession() {
    if (computed_ == 0) return OkStatus();
    std::vector<std::string> taps(names_.begin(), names_.begin() + static_cast<std::ptrdiff_t>(computed_));
    TapLayout layout = options_.channels ? TapLayout::kPlain : TapLayout::kFastest;
    NS_ASSIGN_OR_RETURN(session_, TappedSession::Create(model_, taps, options_.threads, layout));
    // The session has its own copies of the weights that it laid out anew, and reads the others again where it uses them.
    model_.DropWeightPages();
    return OkStatus();
  }

  std::vector<ValueStatistics> Empty() const {
    std::vector<ValueStatistics> all;
    for (const auto& axes : axes_) {
      ValueStatistics one{TensorObserver(ObserverOptionsFor(options_.methods)), {}};
      for (ChannelAxis axis : axes) one.channels.emplace_back(axis);
      all.push_back(std::move(one));
    }
    return all;
  }

  Status Observe(int worker, int64_t number, const Batch& batch, std::stop_token stop) {
    std::vector<ValueStatistics>& row = workers_[static_cast<size_t>(worker)];
    auto observe = [&](size_t value, const TensorView& tensor) -> Status {
      TensorView own = OwnRows(tensor, batch, data_.fixed_batch());
      if (!row[value].tensor.Observe(number, own.values<float>()).ok()) return NonFinite(index_, names_[value], batch);
      for (ChannelObserver& channels : row[value].channels) {
        Status status = channels.Observe(own);
        if (!status.ok()) return status.WithContext(fmt::format("value '{}'", names_[value]));
      }
      return OkStatus();
    };
    for (size_t i = computed_; i < names_.size(); ++i) NS_RETURN_IF_ERROR(observe(i, batch.inputs.at(names_[i]).view()));
    return session_ ? session_->Run(batch.inputs, observe, stop) : OkStatus();
  }

  Statistics Merged() {
    Statistics statistics;
    for (size_t i = 0; i < names_.size(); ++i) {
      ValueStatistics& total = workers_[0][i];
      for (size_t worker = 1; worker < workers_.size(); ++worker) total.Merge(workers_[worker][i]);
      statistics.values.emplace(names_[i], std::move(total.tensor));
      for (size_t a = 0; a < axes_[i].size(); ++a) statistics.channels.emplace(ChannelKey{names_[i], axes_[i][a]}, std::move(total.channels[a]));
    }
    return statistics;
  }

  const Model& model_;
  const GraphIndex& index_;
  const DataSet& data_;
  const CalibrationOptions& options_;
  std::vector<std::string> names_;              // those that nodes make, then model inputs: they come with the batch
  std::vector<std::vector<ChannelAxis>> axes_;  // by value
  size_t computed_ = 0;                         // of names_
  std::optional<TappedSession> session_;
  std::vector<std::vector<ValueStatistics>> workers_;  // by worker and value
};

}  // namespace

void Statistics::Merge(Statistics other) {
  for (auto& [value, observer] : other.values) {
    auto [mine, added] = values.try_emplace(value, observer);
    if (!added) mine->second.Merge(observer);
  }
  for (auto& [key, observer] : other.channels) {
    auto [mine, added] = channels.try_emplace(key, observer);
    if (!added) mine->second.Merge(observer);
  }
}

Result<Statistics> CollectStatistics(const Model& model, const GraphIndex& index, const Watched& watched, const DataSet& data,
                                     std::span<const int64_t> rows, const CalibrationOptions& options, ProgressSink& progress,
                                     std::stop_token stop) {
  return Collector(model, index, watched, data, options).Run(rows, progress, stop);
}

}  // namespace ns
