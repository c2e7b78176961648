// Pairs a model's output with its labels for the metrics that compare classes, and checks that they fit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// The first `count` elements as float32; the tensor is float32, float64, float16 or bfloat16 (DTYPE_MISMATCH).
Result<std::vector<float>> ReadFloats(const TensorView& tensor, int64_t count, std::string_view what);
// The first `count` elements as int64; the tensor holds integers, or floats with whole numbers (DTYPE_MISMATCH,
// BAD_VALUE).
Result<std::vector<int64_t>> ReadIntegers(const TensorView& tensor, int64_t count, std::string_view what);

// The predicted class at each labelled position. Either the output has an axis of class scores more than the labels
// (its last one), or it holds classes itself (integers, of the labels' shape). N labelled rows may meet an output with
// more: the first N rows count.
class ClassPredictions {
 public:
  // `output` [M, ..., C] or [M, ...]; `labels` [N, ...], N ≤ M, or the same with a last axis of 1.
  // InvalidArgument: SHAPE_MISMATCH, DTYPE_MISMATCH, NON_FINITE_OUTPUT (NaN at a position that counts),
  // LABEL_OUT_OF_RANGE.
  static Result<ClassPredictions> Match(const TensorView& output, const TensorView& labels, int64_t ignore_label);

  int64_t rows() const { return rows_; }
  int64_t positions() const { return positions_; }  // labelled positions a row; 1 for a classification of whole rows
  int64_t classes() const { return classes_; }      // 0 where the output holds classes itself
  bool counts(int64_t row, int64_t position) const { return label(row, position) != ignore_label_; }
  int64_t label(int64_t row, int64_t position) const { return labels_[Index(row, position)]; }
  // The class of the highest score, the first of equals.
  int64_t predicted(int64_t row, int64_t position) const;
  // `classes()` scores; not where the output holds classes itself (NS_CHECK).
  std::span<const float> scores(int64_t row, int64_t position) const;

 private:
  size_t Index(int64_t row, int64_t position) const { return static_cast<size_t>(row * positions_ + position); }
  Status ReadOutput(const TensorView& output, const TensorView& labels);
  Status CheckLabels() const;
  Status CheckScores() const;

  int64_t rows_ = 0;
  int64_t positions_ = 1;
  int64_t classes_ = 0;
  int64_t ignore_label_ = 0;
  std::vector<int64_t> labels_;
  std::vector<int64_t> predicted_;  // where the output holds classes
  std::vector<float> converted_;    // scores that were not float32
  const float* scores_ = nullptr;   // into the output, or null where converted_ holds them
};

// The index of the largest value, the first of equals. `scores` is not empty.
int64_t ArgMax(std::span<const float> scores);

}  // namespace ns
