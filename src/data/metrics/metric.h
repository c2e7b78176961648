// What a model's outputs are worth against the labels.
//
// A metric takes batch after batch and gives one number. Its state is plain numbers, so that shards of rows evaluated
// by several workers join: a fresh metric that merges the states of all shards has the value of one that saw all rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// One row's part of an additive metric: the metric is Σ sum / Σ weight over the rows. Weight is 1, or, where a row
// holds several labelled positions (tokens), their number.
struct RowScore {
  double sum = 0;
  double weight = 1;
  bool operator==(const RowScore&) const = default;
};

// What an output is compared to.
enum class MetricTarget {
  kLabels,     // the data set's labels
  kReference,  // the fp32 model's output on the same rows; needs no labels
};

struct MetricOptions {
  int64_t positive_label = 1;   // f1: the class that counts as positive
  int64_t ignore_label = -100;  // a position with this label counts nowhere (padding, sub-word tokens)
  // perplexity: 1 compares the output at position t with the label at t + 1 (labels equal to input_ids, as Hugging
  // Face's causal models take them); 0: labels are aligned with the outputs.
  int64_t label_shift = 0;
};

// Thread-compatible.
class Metric {
 public:
  virtual ~Metric() = default;

  virtual std::string_view name() const = 0;
  virtual bool higher_is_better() const = 0;
  virtual MetricTarget target() const { return MetricTarget::kLabels; }

  // Adds a batch. `target` has one entry a row on axis 0 and says how many rows count: an output with more rows (a
  // fixed batch filled up) has its first ones used. On failure the metric is as before the call. InvalidArgument:
  // SHAPE_MISMATCH, DTYPE_MISMATCH, LABEL_OUT_OF_RANGE (a class that the output doesn't have), NON_FINITE_OUTPUT.
  virtual Status Update(const TensorView& output, const TensorView& target) = 0;

  // FailedPrecondition (NO_DATA) before any row counted; (UNDEFINED_METRIC) where the formula has no value (a
  // correlation of constants).
  virtual Result<double> value() const = 0;

  // Whether the value is Σ sum / Σ weight of row_scores(): then a part of the rows estimates it and PairedDifference()
  // applies. A sum is then at most the row's weight where higher is better, and at least 0 where lower is.
  virtual bool additive() const { return false; }
  // A score a row, in the order of Update(); after MergeState() the merged rows follow. Empty unless additive().
  virtual std::span<const RowScore> row_scores() const { return {}; }

  // All that was seen, as numbers; MergeState() of the same metric (name and options) takes it.
  virtual std::vector<double> state() const = 0;
  // InvalidArgument (BAD_METRIC_STATE) when the numbers can't be this metric's state.
  virtual Status MergeState(std::span<const double> state) = 0;
};

// Which of the model's outputs the metric reads: the one called `wanted`, or where that is empty the only one, or
// `logits`, or the first. Appends to `guesses` where it chose among several. NotFound (UNKNOWN_OUTPUT) lists the names.
Result<size_t> ChooseOutput(std::span<const TensorSpec> outputs, std::string_view wanted,
                            std::vector<std::string>* guesses);

}  // namespace ns
