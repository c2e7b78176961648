#include "worker/evaluator.h"

#include <algorithm>
#include <chrono>

#include "base/parallel.h"
#include "data/metrics/registry.h"

namespace ns {

Result<Evaluator> Evaluator::Create(const DataSet& data, std::vector<int64_t> rows, std::span<const TensorSpec> outputs,
                                    const EvaluatorOptions& options, std::vector<std::string>* guesses) {
  Evaluator evaluator(data);
  if (rows.empty()) return InvalidArgument("there are no rows to evaluate", "NO_ROWS");
  evaluator.rows_ = std::move(rows);
  evaluator.metric_ = options.metric;
  evaluator.metric_options_ = options.metric_options;
  // A causal model's labels, where the data has none, are its own input ids, compared one position on.
  if (options.metric == "perplexity" && !data.has_labels()) evaluator.metric_options_.label_shift = 1;
  NS_ASSIGN_OR_RETURN(auto metric, MetricByName(options.metric, evaluator.metric_options_));
  evaluator.target_ = metric->target();
  evaluator.higher_is_better_ = metric->higher_is_better();
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

Result<Evaluation> Evaluator::EvaluateBaseline(const Session& session, ProgressSink& progress, std::stop_token stop) {
  std::vector<Tensor> references(target_ == MetricTarget::kReference ? static_cast<size_t>(batches()) : 0);
  NS_ASSIGN_OR_RETURN(Evaluation evaluation, Run(session, Role::kBaseline, &references, progress, stop));
  references_ = std::move(references);
  return evaluation;
}

Result<Evaluation> Evaluator::Evaluate(const Session& session, ProgressSink& progress, std::stop_token stop) const {
  // Only read: a candidate's batch takes its reference and changes nothing.
  auto* references = const_cast<std::vector<Tensor>*>(&references_);
  return Run(session, Role::kCandidate, references, progress, stop);
}

Result<Evaluation> Evaluator::Run(const Session& session, Role role, std::vector<Tensor>* references,
                                  ProgressSink& progress, std::stop_token stop) const {
  auto start = std::chrono::steady_clock::now();
  // One metric a batch, joined in the order of the rows: the result does not depend on the threads.
  std::vector<std::vector<double>> states(static_cast<size_t>(batches()));
  auto job = [&](int, int64_t number) -> Status {
    NS_ASSIGN_OR_RETURN(auto metric, MetricByName(metric_, metric_options_));
    Tensor* reference = references->empty() ? nullptr : &(*references)[static_cast<size_t>(number)];
    NS_RETURN_IF_ERROR(RunBatch(session, number, reference, role, *metric, stop));
    states[static_cast<size_t>(number)] = metric->state();
    return OkStatus();
  };
  auto done = [&](int64_t jobs) { progress.Progress("", static_cast<double>(jobs), static_cast<double>(batches())); };
  NS_RETURN_IF_ERROR(RunParallel(batches(), threads_, job, done, stop));
  NS_ASSIGN_OR_RETURN(auto total, MetricByName(metric_, metric_options_));
  for (const auto& state : states) NS_RETURN_IF_ERROR(total->MergeState(state));
  Evaluation evaluation;
  NS_ASSIGN_OR_RETURN(evaluation.value, total->value());
  auto scores = total->row_scores();
  evaluation.scores.assign(scores.begin(), scores.end());
  if (!total->additive()) evaluation.states = std::move(states);
  evaluation.rows = static_cast<int64_t>(rows_.size());
  evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

Result<PairedInterval> Evaluator::Difference(const Evaluation& candidate, const Evaluation& baseline) const {
  if (!baseline.scores.empty()) return PairedDifference(candidate.scores, baseline.scores);
  auto make = [&] { return MetricByName(metric_, metric_options_); };
  return BootstrapDifference(make, candidate.states, baseline.states);
}

Status Evaluator::RunBatch(const Session& session, int64_t number, Tensor* reference, Role role, Metric& metric,
                           std::stop_token stop) const {
  size_t begin = static_cast<size_t>(number * batch_size_);
  size_t count = std::min(rows_.size() - begin, static_cast<size_t>(batch_size_));
  NS_ASSIGN_OR_RETURN(Batch batch, data_->Read(std::span(rows_).subspan(begin, count)));
  NS_ASSIGN_OR_RETURN(auto outputs, session.Run(batch.inputs, {&output_name_, 1}, stop));
  NS_ASSIGN_OR_RETURN(Tensor target, Target(batch, outputs[0], reference, role));
  std::string where = count == 1 ? fmt::format("row {}", rows_[begin])
                                 : fmt::format("rows {} to {}", rows_[begin], rows_[begin + count - 1]);
  return metric.Update(outputs[0].view(), target.view()).WithContext(where);
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

Result<Tensor> Evaluator::Target(const Batch& batch, const Tensor& output, Tensor* reference, Role role) const {
  if (target_ == MetricTarget::kReference) {
    NS_CHECK(reference != nullptr, "the baseline was not evaluated first");
    if (role == Role::kBaseline) *reference = FirstRows(output, batch.rows.size());
    return *reference;
  }
  if (batch.labels) return *batch.labels;
  if (metric_ == "perplexity") return LabelsFromInputIds(batch, metric_options_.ignore_label);
  return InvalidArgument(fmt::format("metric '{}' needs labels and the data has none", metric_), "NO_LABELS");
}

}  // namespace ns
