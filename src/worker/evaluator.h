// The metrics of a model over the evaluation rows, with all cores: batches are dealt out to threads, each computing its
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

struct MetricSetting {
  std::string name;
  MetricOptions options;
};

struct EvaluatorOptions {
  std::vector<MetricSetting> metrics;  // at least one; all read the same output
  int threads = 1;
  int64_t batch_size =
      0;  // 0: the model's fixed batch, else 1, which is what the user's latency is about and what needs no padding
};

// One metric over the rows that were evaluated.
struct MetricEvaluation {
  double value = 0;
  std::vector<RowScore> scores;  // a score a row, in the order of the rows; empty for a metric that does not add up
  MetricStates states;           // for such a metric: its state after each row alone, in the order of the rows
};

struct Evaluation {
  std::vector<MetricEvaluation> metrics;  // in the order of the options
  int64_t rows = 0;                       // evaluated
  double seconds = 0;
  bool stopped_early = false;  // then `scores` and `states` are of the rows that were evaluated only

  std::vector<double> values() const;
};

// What a worker found of a part of the batches: enough to join parts to the whole, to the last bit.
struct EvaluationPart {
  int64_t first = 0;                              // batch
  std::vector<std::vector<MetricStates>> states;  // by metric, then by batch of the part
  double seconds = 0;
};

// Watches an evaluation and may end it. Called for one batch at a time, in the order it asked for.
class EvaluationWatch {
 public:
  virtual ~EvaluationWatch() = default;
  // The order of the batches: a permutation of their numbers.
  virtual const std::vector<size_t>& order() const = 0;
  // The sums of the scores (RowScore::sum) of the next batch, by metric; NaN for a metric that does not add up. False: enough was seen.
  virtual bool Add(size_t batch, std::span<const double> sums) = 0;
};

enum class Pace {
  kUsual,
  kSmall,  // where memory is short: one thread, and one row at a time, unless the model or a comparison with fp32's outputs wants whole batches
};

// Every model is given the same batches, so that differences between them are the models'.
class Evaluator {
 public:
  // `data` outlives the evaluator and is only read. `outputs` are the models' outputs; `guesses` hears which one the
  // metric reads, when there was a choice. InvalidArgument (UNKNOWN_METRIC, BATCH_TOO_LARGE, NO_ROWS).
  static Result<Evaluator> Create(const DataSet& data, std::vector<int64_t> rows, std::span<const TensorSpec> outputs,
                                  const EvaluatorOptions& options, std::vector<std::string>* guesses);

  // The difference of two evaluations by this evaluator in metric `metric`, with its interval: by the rows' scores where the metric adds up (data/statistics.h),
  // else by the paired bootstrap over rows (data/bootstrap.h). Their errors.
  Result<PairedInterval> Difference(const Evaluation& candidate, const Evaluation& baseline, size_t metric = 0, std::stop_token stop = {}) const;

  bool higher_is_better(size_t metric) const { return metrics_.at(metric).higher_is_better; }
  int64_t batch_size() const { return batch_size_; }
  const std::vector<int64_t>& rows() const { return rows_; }
  // True when a metric compares with the fp32 model's outputs, which EvaluateBaseline() keeps.
  bool compares_with_baseline() const;
  int64_t batches() const { return (static_cast<int64_t>(rows_.size()) + batch_size_ - 1) / batch_size_; }

  // Of the fp32 model, first. A metric that compares with the fp32 model keeps its outputs.
  // InvalidArgument (NON_FINITE_OUTPUT and what else Metric::Update() refuses) with the row; errors of Session::Run();
  // Cancelled; ResourceExhausted (OUT_OF_MEMORY). What is evaluated later is not more hurried than this was.
  // `watch` may end it early; the batches that it was told of are then all that there are from now on (rows()).
  Result<Evaluation> EvaluateBaseline(const Session& session, ProgressSink& progress, std::stop_token stop, Pace pace = Pace::kUsual,
                                      EvaluationWatch* watch = nullptr);
  // The same by parts, for metrics that don't compare with the fp32 model (NS_CHECK): batches [first, first + count). After `seconds` none
  // of them is begun but the first: then there are fewer; 0: no limit. Errors of EvaluateBaseline().
  Result<EvaluationPart> EvaluatePart(const Session& session, int64_t first, int64_t count, std::stop_token stop, Pace pace = Pace::kUsual,
                                      double seconds = 0) const;
  // Parts in any order, no batch in two of them (NS_CHECK). Their batches are all that there are from now on (rows()).
  Result<Evaluation> JoinParts(std::span<const EvaluationPart> parts);
  // From now on one thread and, where the model allows, batches of one row: as a baseline at Pace::kSmall leaves it.
  void GoSmall();

  // Of any model with the same inputs and outputs, after EvaluateBaseline(). `watch`: may end it early; null: all rows.
  Result<Evaluation> Evaluate(const Session& session, ProgressSink& progress, std::stop_token stop,
                              EvaluationWatch* watch = nullptr, Pace pace = Pace::kUsual) const;

 private:
  explicit Evaluator(const DataSet& data) : data_(&data) {}
  enum class Role { kBaseline, kCandidate };
  struct Measure {
    MetricSetting setting;
    MetricTarget target = MetricTarget::kLabels;
    bool higher_is_better = true;
  };
  // By metric, then by batch: of each row where a metric does not add up, else one of all; empty where a batch was not evaluated.
  using States = std::vector<std::vector<MetricStates>>;
  class Watched;
  class Recorder;

  Result<Evaluation> Run(const Session& session, Role role, std::vector<Tensor>* references, ProgressSink& progress,
                         std::stop_token stop, EvaluationWatch* watch, Pace pace) const;
  void KeepBatches(std::vector<size_t> batches);
  using BatchMetrics = std::vector<std::unique_ptr<Metric>>;
  // The metrics' states of this batch alone, and the sums of its scores (NaN for a metric that does not add up). The model is given `at_once` rows.
  Status RunBatch(const Session& session, int64_t number, int64_t at_once, Tensor* reference, Role role, std::stop_token stop, States* states,
                  std::vector<double>* sums) const;
  Status RunRows(const Session& session, std::span<const int64_t> rows, Tensor* reference, Role role, std::stop_token stop, BatchMetrics* metrics,
                 States* states, int64_t number) const;
  bool may_split_batches() const { return !data_->fixed_batch() && !compares_with_baseline(); }
  Result<Tensor> Target(const Measure& measure, const Batch& batch, const Tensor& output, Tensor* reference, Role role) const;
  Result<Evaluation> Join(const States& states) const;

  const DataSet* data_;
  std::vector<int64_t> rows_;
  std::vector<Measure> metrics_;
  std::string output_name_;
  int threads_ = 1;
  int64_t batch_size_ = 1;
  std::vector<Tensor> references_;  // fp32 outputs by batch, for MetricTarget::kReference
};

}  // namespace ns
