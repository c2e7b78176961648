// The metric of a model over the evaluation rows, with all cores: batches are dealt out to threads, each computing its
// own with one inference thread, which for small batches is faster than many threads on one batch.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/status.h"
#include "data/bootstrap.h"
#include "data/data_set.h"
#include "data/metrics/metric.h"
#include "data/statistics.h"
#include "runtime/session.h"

namespace ns {

struct EvaluatorOptions {
  std::string metric;
  MetricOptions metric_options;
  int threads = 1;
  int64_t batch_size =
      0;  // 0: the model's fixed batch, else 1, which is what the user's latency is about and what needs no padding
};

struct Evaluation {
  double value = 0;
  std::vector<RowScore> scores;  // a score a row, in the order of the rows; empty for a metric that does not add up
  MetricStates states;           // for such a metric: its state after each batch alone, in the order of the rows
  int64_t rows = 0;
  double seconds = 0;
};

// Every model is given the same batches, so that differences between them are the models'.
class Evaluator {
 public:
  // `data` outlives the evaluator and is only read. `outputs` are the models' outputs; `guesses` hears which one the
  // metric reads, when there was a choice. InvalidArgument (UNKNOWN_METRIC, BATCH_TOO_LARGE, NO_ROWS).
  static Result<Evaluator> Create(const DataSet& data, std::vector<int64_t> rows, std::span<const TensorSpec> outputs,
                                  const EvaluatorOptions& options, std::vector<std::string>* guesses);

  // The difference of two evaluations by this evaluator, with its interval: by the rows' scores where the metric adds up (data/statistics.h),
  // else by the paired bootstrap over batches (data/bootstrap.h). Their errors.
  Result<PairedInterval> Difference(const Evaluation& candidate, const Evaluation& baseline) const;

  bool higher_is_better() const { return higher_is_better_; }
  int64_t batch_size() const { return batch_size_; }

  // Of the fp32 model, first. A metric that compares with the fp32 model keeps its outputs.
  // InvalidArgument (NON_FINITE_OUTPUT and what else Metric::Update() refuses) with the row; errors of Session::Run();
  // Cancelled.
  Result<Evaluation> EvaluateBaseline(const Session& session, ProgressSink& progress, std::stop_token stop);
  // Of any model with the same inputs and outputs, after EvaluateBaseline().
  Result<Evaluation> Evaluate(const Session& session, ProgressSink& progress, std::stop_token stop) const;

 private:
  explicit Evaluator(const DataSet& data) : data_(&data) {}
  enum class Role { kBaseline, kCandidate };
  int64_t batches() const { return (static_cast<int64_t>(rows_.size()) + batch_size_ - 1) / batch_size_; }
  Result<Evaluation> Run(const Session& session, Role role, std::vector<Tensor>* references, ProgressSink& progress,
                         std::stop_token stop) const;
  Status RunBatch(const Session& session, int64_t number, Tensor* reference, Role role, Metric& metric,
                  std::stop_token stop) const;
  Result<Tensor> Target(const Batch& batch, const Tensor& output, Tensor* reference, Role role) const;

  const DataSet* data_;
  std::vector<int64_t> rows_;
  std::string metric_;
  MetricOptions metric_options_;
  MetricTarget target_ = MetricTarget::kLabels;
  bool higher_is_better_ = true;
  std::string output_name_;
  int threads_ = 1;
  int64_t batch_size_ = 1;
  std::vector<Tensor> references_;  // fp32 outputs by batch, for MetricTarget::kReference
};

}  // namespace ns
