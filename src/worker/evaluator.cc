#include "worker/evaluator.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <optional>

#include "base/parallel.h"
#include "data/metrics/registry.h"

namespace ns {

Result<Evaluator> Evaluator::Create(const DataSet& data, std::vector<int64_t> rows, std::span<const TensorSpec> outputs,
                                    const EvaluatorOptions& options, std::vector<std::string>* guesses) {
  Evaluator evaluator(data);
  if (rows.empty()) return InvalidArgument("there are no rows to evaluate", "NO_ROWS");
  evaluator.rows_ = std::move(rows);
  NS_CHECK(!options.metrics.empty());
  for (MetricSetting setting : options.metrics) {
    // A causal model's labels, where the data has none, are its own input ids, compared one position on.
    if (setting.name == "perplexity" && !data.has_labels()) setting.options.label_shift = 1;
    NS_ASSIGN_OR_RETURN(auto metric, MetricByName(setting.name, setting.options));
    evaluator.metrics_.push_back({setting, metric->target(), metric->higher_is_better()});
  }
  NS_ASSIGN_OR_RETURN(size_t output, ChooseOutput(outputs, "", guesses));
  evaluator.output_name_ = outputs[output].name;
  evaluator.threads_ = std::max(1, options.threads);
  std::optional<int64_t> fixed = data.fixed_batch();
  if (fixed && options.batch_size > *fixed) {
    return InvalidArgument(
        fmt::format("a batch of {} rows was asked for, the model takes {}", options.batch_size, *fixed),
        "BATCH_TOO_LARGE");
  }
  evaluator.batch_size_ = options.batch_size > 0 ? options.batch_size : fixed.value_or(1);
  return evaluator;
}

bool Evaluator::compares_with_baseline() const {
  return std::any_of(metrics_.begin(), metrics_.end(),
                     [](const Measure& measure) { return measure.target == MetricTarget::kReference; });
}

// Knows what another watch was told of.
class Evaluator::Recorder final : public EvaluationWatch {
 public:
  explicit Recorder(EvaluationWatch& watch) : watch_(watch) {}
  const std::vector<size_t>& order() const override { return watch_.order(); }
  bool Add(size_t batch, std::span<const double> sums) override {
    told_.push_back(batch);
    return watch_.Add(batch, sums);
  }
  std::vector<size_t> told() && { return std::move(told_); }

 private:
  EvaluationWatch& watch_;
  std::vector<size_t> told_;
};

Result<Evaluation> Evaluator::EvaluateBaseline(const Session& session, ProgressSink& progress, std::stop_token stop, Pace pace,
                                               EvaluationWatch* watch) {
  if (pace == Pace::kSmall) GoSmall();
  std::vector<Tensor> references(compares_with_baseline() ? static_cast<size_t>(batches()) : 0);
  std::optional<Recorder> recorder;
  if (watch != nullptr) recorder.emplace(*watch);
  NS_ASSIGN_OR_RETURN(Evaluation evaluation, Run(session, Role::kBaseline, &references, progress, stop, recorder ? &*recorder : nullptr, pace));
  references_ = std::move(references);
  if (evaluation.stopped_early) KeepBatches(std::move(*recorder).told());
  evaluation.stopped_early = false;  // of all rows that there are now
  return evaluation;
}

void Evaluator::GoSmall() {
  threads_ = 1;
  if (!data_->fixed_batch()) batch_size_ = 1;
}

// Whole batches, but for the last of all: together they are cut into the same ones again.
void Evaluator::KeepBatches(std::vector<size_t> batches) {
  std::sort(batches.begin(), batches.end());
  std::vector<int64_t> rows;
  std::vector<Tensor> references;
  for (size_t batch : batches) {
    auto begin = rows_.begin() + static_cast<int64_t>(batch) * batch_size_;
    rows.insert(rows.end(), begin, begin + std::min(batch_size_, rows_.end() - begin));
    if (!references_.empty()) references.push_back(std::move(references_[batch]));
  }
  rows_ = std::move(rows);
  references_ = std::move(references);
}

Result<EvaluationPart> Evaluator::EvaluatePart(const Session& session, int64_t first, int64_t count, std::stop_token stop, Pace pace,
                                               double seconds) const {
  NS_CHECK(!compares_with_baseline());
  auto start = std::chrono::steady_clock::now();
  auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  States states(metrics_.size(), std::vector<MetricStates>(static_cast<size_t>(batches())));
  bool small = pace == Pace::kSmall;
  auto job = [&](int, int64_t number) -> Status {
    if (seconds > 0 && number > 0 && elapsed() > seconds) return OkStatus();
    std::vector<double> sums;
    return RunBatch(session, first + number, small && may_split_batches() ? 1 : batch_size_, nullptr, Role::kBaseline, stop, &states, &sums);
  };
  NS_RETURN_IF_ERROR(RunParallel(count, small ? 1 : threads_, job, {}, stop));
  int64_t done = 0;
  while (done < count && !states[0][static_cast<size_t>(first + done)].empty()) ++done;
  EvaluationPart part{first, {}, elapsed()};
  for (const std::vector<MetricStates>& of_metric : states) part.states.emplace_back(of_metric.begin() + first, of_metric.begin() + first + done);
  return part;
}

Result<Evaluation> Evaluator::JoinParts(std::span<const EvaluationPart> parts) {
  States states(metrics_.size(), std::vector<MetricStates>(static_cast<size_t>(batches())));
  double seconds = 0;
  for (const EvaluationPart& part : parts) {
    NS_CHECK(part.states.size() == states.size());
    for (size_t i = 0; i < states.size(); ++i) {
      for (size_t j = 0; j < part.states[i].size(); ++j) {
        MetricStates& batch = states[i].at(static_cast<size_t>(part.first) + j);
        NS_CHECK(batch.empty(), "batch {} came twice", part.first + static_cast<int64_t>(j));
        batch = part.states[i][j];
      }
    }
    seconds += part.seconds;
  }
  NS_ASSIGN_OR_RETURN(Evaluation evaluation, Join(states));
  std::vector<size_t> done;
  for (size_t batch = 0; batch < states[0].size(); ++batch)
    if (!states[0][batch].empty()) done.push_back(batch);
  if (done.size() < states[0].size()) KeepBatches(std::move(done));
  evaluation.seconds = seconds;
  return evaluation;
}

Result<Evaluation> Evaluator::Evaluate(const Session& session, ProgressSink& progress, std::stop_token stop,
                                       EvaluationWatch* watch, Pace pace) const {
  // Only read: a candidate's batch takes its reference and changes nothing.
  auto* references = const_cast<std::vector<Tensor>*>(&references_);
  return Run(session, Role::kCandidate, references, progress, stop, watch, pace);
}

// Batches end in any order; the watch is told of them in its own.
class Evaluator::Watched {
 public:
  Watched(EvaluationWatch* watch, int64_t batches) : watch_(watch), sums_(static_cast<size_t>(batches)) {
    if (watch_ != nullptr) NS_CHECK(watch_->order().size() == sums_.size());
  }
  // The batch that comes at place `number` of the evaluation.
  int64_t BatchAt(int64_t number) const {
    return watch_ == nullptr ? number : static_cast<int64_t>(watch_->order()[static_cast<size_t>(number)]);
  }
  void Done(int64_t batch, std::vector<double> sums) {
    if (watch_ == nullptr) return;
    std::lock_guard lock(mutex_);
    sums_[static_cast<size_t>(batch)] = std::move(sums);
    while (!enough_.stop_requested() && told_ < sums_.size()) {
      size_t next = watch_->order()[told_];
      if (sums_[next].empty()) return;
      ++told_;
      if (!watch_->Add(next, sums_[next])) enough_.request_stop();
    }
  }
  // Batches that the watch was not told of don't count: which others were ready is chance.
  void DropUntold(States* states) const {
    for (size_t place = told_; place < sums_.size(); ++place)
      for (auto& of_metric : *states) of_metric[watch_->order()[place]].clear();
  }
  std::stop_source& enough() { return enough_; }

 private:
  EvaluationWatch* watch_;
  std::mutex mutex_;
  std::vector<std::vector<double>> sums_;  // by batch; empty: not yet
  size_t told_ = 0;
  std::stop_source enough_;
};

Result<Evaluation> Evaluator::Run(const Session& session, Role role, std::vector<Tensor>* references,
                                  ProgressSink& progress, std::stop_token stop, EvaluationWatch* watch, Pace pace) const {
  auto start = std::chrono::steady_clock::now();
  // Joined in the order of the rows: the result does not depend on the threads.
  States states(metrics_.size(), std::vector<MetricStates>(static_cast<size_t>(batches())));
  Watched watched(watch, batches());
  std::stop_callback forward(stop, [&] { watched.enough().request_stop(); });
  std::stop_token inner = watched.enough().get_token();
  bool small = pace == Pace::kSmall;
  int64_t at_once = small && may_split_batches() ? 1 : batch_size_;
  auto job = [&](int, int64_t number) -> Status {
    int64_t batch = watched.BatchAt(number);
    Tensor* reference = references->empty() ? nullptr : &(*references)[static_cast<size_t>(batch)];
    std::vector<double> sums;
    NS_RETURN_IF_ERROR(RunBatch(session, batch, at_once, reference, role, inner, &states, &sums));
    watched.Done(batch, std::move(sums));
    return OkStatus();
  };
  auto done = [&](int64_t jobs) { progress.Progress("", static_cast<double>(jobs), static_cast<double>(batches())); };
  Status ran = RunParallel(batches(), small ? 1 : threads_, job, done, inner);
  if (stop.stop_requested()) return Cancelled();
  bool early = inner.stop_requested();
  if (!ran.ok() && !(early && ran.code() == StatusCode::kCancelled)) return ran;
  if (early) watched.DropUntold(&states);
  NS_ASSIGN_OR_RETURN(Evaluation evaluation, Join(states));
  evaluation.stopped_early = early && evaluation.rows < static_cast<int64_t>(rows_.size());
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

Result<Evaluation> Evaluator::Join(const States& states) const {
  Evaluation evaluation;
  for (size_t i = 0; i < metrics_.size(); ++i) {
    NS_ASSIGN_OR_RETURN(auto total, MetricByName(metrics_[i].setting.name, metrics_[i].setting.options));
    MetricEvaluation one;
    for (const MetricStates& batch : states[i]) {
      for (const auto& state : batch) NS_RETURN_IF_ERROR(total->MergeState(state));
      if (!total->additive()) one.states.insert(one.states.end(), batch.begin(), batch.end());
    }
    NS_ASSIGN_OR_RETURN(one.value, total->value());
    auto scores = total->row_scores();
    one.scores.assign(scores.begin(), scores.end());
    evaluation.metrics.push_back(std::move(one));
  }
  for (int64_t batch = 0; batch < batches(); ++batch)
    if (!states[0][static_cast<size_t>(batch)].empty())
      evaluation.rows += std::min(batch_size_, static_cast<int64_t>(rows_.size()) - batch * batch_size_);
  return evaluation;
}

std::vector<double> Evaluation::values() const {
  std::vector<double> values;
  for (const MetricEvaluation& metric : metrics) values.push_back(metric.value);
  return values;
}

Result<PairedInterval> Evaluator::Difference(const Evaluation& candidate, const Evaluation& baseline, size_t metric,
                                             std::stop_token stop) const {
  const MetricEvaluation& of = candidate.metrics.at(metric);
  const MetricEvaluation& from = baseline.metrics.at(metric);
  if (!from.scores.empty()) return PairedDifference(of.scores, from.scores);
  const MetricSetting& setting = metrics_.at(metric).setting;
  return BootstrapDifference([&] { return MetricByName(setting.name, setting.options); }, of.states, from.states, {}, stop);
}

Status Evaluator::RunBatch(const Session& session, int64_t number, int64_t at_once, Tensor* reference, Role role, std::stop_token stop,
                           States* states, std::vector<double>* sums) const {
  BatchMetrics metrics;
  for (const Measure& measure : metrics_) {
    NS_ASSIGN_OR_RETURN(auto metric, MetricByName(measure.setting.name, measure.setting.options));
    metrics.push_back(std::move(metric));
  }
  auto left = std::span(rows_).subspan(static_cast<size_t>(number * batch_size_));
  left = left.first(std::min(left.size(), static_cast<size_t>(batch_size_)));
  while (!left.empty()) {
    size_t count = std::min(left.size(), static_cast<size_t>(at_once));
    NS_RETURN_IF_ERROR(RunRows(session, left.first(count), reference, role, stop, &metrics, states, number));
    left = left.subspan(count);
  }
  for (size_t i = 0; i < metrics.size(); ++i) {
    if (metrics[i]->additive()) (*states)[i][static_cast<size_t>(number)] = {metrics[i]->state()};
    double sum = metrics[i]->additive() ? 0 : std::numeric_limits<double>::quiet_NaN();
    for (const RowScore& score : metrics[i]->row_scores()) sum += score.sum;
    sums->push_back(sum);
  }
  return OkStatus();
}

namespace {

// Row `row` of axis 0, as a batch of its own.
TensorView OneRow(TensorView view, int64_t row) {
  if (view.shape.empty() || view.shape[0] <= row) return view;  // the metric says what is wrong
  size_t bytes = view.byte_size() / static_cast<size_t>(view.shape[0]);
  view.data = static_cast<const std::byte*>(view.data) + static_cast<size_t>(row) * bytes;
  view.shape[0] = 1;
  return view;
}

}  // namespace

Status Evaluator::RunRows(const Session& session, std::span<const int64_t> rows, Tensor* reference, Role role, std::stop_token stop,
                          BatchMetrics* metrics, States* states, int64_t number) const {
  NS_ASSIGN_OR_RETURN(Batch batch, data_->Read(rows));
  NS_ASSIGN_OR_RETURN(auto outputs, session.Run(batch.inputs, {&output_name_, 1}, stop));
  std::string where = rows.size() == 1 ? fmt::format("row {}", rows.front()) : fmt::format("rows {} to {}", rows.front(), rows.back());
  for (size_t i = 0; i < metrics_.size(); ++i) {
    NS_ASSIGN_OR_RETURN(Tensor target, Target(metrics_[i], batch, outputs[0], reference, role));
    if ((*metrics)[i]->additive()) {
      NS_RETURN_IF_ERROR((*metrics)[i]->Update(outputs[0].view(), target.view()).WithContext(where));
      continue;
    }
    for (size_t row = 0; row < rows.size(); ++row) {
      auto at = static_cast<int64_t>(row);
      NS_ASSIGN_OR_RETURN(auto alone, MetricByName(metrics_[i].setting.name, metrics_[i].setting.options));
      NS_RETURN_IF_ERROR(alone->Update(OneRow(outputs[0].view(), at), OneRow(target.view(), at)).WithContext(fmt::format("row {}", rows[row])));
      (*states)[i][static_cast<size_t>(number)].push_back(alone->state());
    }
  }
  return OkStatus();
}

namespace {

// The first `rows` entries of axis 0.
Tensor FirstRows(const Tensor& tensor, size_t rows) {
  TensorView view = tensor.view();
  if (view.shape.empty() || view.shape[0] == static_cast<int64_t>(rows)) return tensor;
  view.shape[0] = static_cast<int64_t>(rows);
  return Tensor(view, std::make_shared<Tensor>(tensor));
}

// Input ids as labels; positions that the mask hides count nowhere.
Result<Tensor> LabelsFromInputIds(const Batch& batch, int64_t ignore_label) {
  auto ids = batch.inputs.find("input_ids");
  if (ids == batch.inputs.end() || ids->second.dtype() != DType::kInt64) {
    return InvalidArgument("perplexity needs labels, or a model with an int64 input 'input_ids'", "NO_LABELS");
  }
  Tensor labels = Tensor::From<int64_t>(ids->second.shape(), ids->second.values<int64_t>());
  auto mask = batch.inputs.find("attention_mask");
  if (mask != batch.inputs.end() && mask->second.dtype() == DType::kInt64 && mask->second.count() == labels.count()) {
    auto hidden = mask->second.values<int64_t>();
    auto values = labels.mutable_values<int64_t>();
    for (size_t i = 0; i < values.size(); ++i)
      if (hidden[i] == 0) values[i] = ignore_label;
  }
  return FirstRows(labels, batch.rows.size());
}

}  // namespace

Result<Tensor> Evaluator::Target(const Measure& measure, const Batch& batch, const Tensor& output, Tensor* reference,
                                 Role role) const {
  if (measure.target == MetricTarget::kReference) {
    NS_CHECK(reference != nullptr, "the baseline was not evaluated first");
    if (role == Role::kBaseline) *reference = FirstRows(output, batch.rows.size());
    return *reference;
  }
  if (batch.labels) return *batch.labels;
  const MetricSetting& setting = measure.setting;
  if (setting.name == "perplexity") return LabelsFromInputIds(batch, setting.options.ignore_label);
  return InvalidArgument(fmt::format("metric '{}' needs labels and the data has none", setting.name), "NO_LABELS");
}

}  // namespace ns
