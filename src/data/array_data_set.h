// A data set whose rows lie in arrays: what an .npz file becomes, and what tests and callers make of tensors in memory.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "data/data_set.h"

namespace ns {

struct ArrayDataSetOptions {
  // Array → model input; an array that is not listed feeds the input of its own name.
  std::map<std::string, std::string> inputs;
  std::string label;  // the array of the labels; empty: `labels`, or guessed among label, y, targets, ...
  DataSetOptions::Labels labels = DataSetOptions::Labels::kOptional;
  std::string noun = "array";        // what messages call them: an "array", or a table's "column"
  std::vector<std::string> guesses;  // what the caller guessed, to stand before the set's own
  // Arrays that are there but can't be used, and why: told when one of them turns out to be needed.
  std::map<std::string, Status> unusable;
  // The file that arrays are mapped from: its pages leave memory after each batch, so that reading all rows doesn't fill it.
  std::shared_ptr<const MappedFile> mapped;
};

// Keeps the tensors (a mapped file behind them too) and copies rows out of them. Thread-safe.
class ArrayDataSet final : public DataSet {
 public:
  // `arrays` by name, rows on axis 0 of each; their memory need not be aligned. Errors as OpenDataSet().
  static Result<std::unique_ptr<DataSet>> Create(const std::map<std::string, Tensor>& arrays,
                                                 std::span<const TensorSpec> model_inputs,
                                                 const ArrayDataSetOptions& options);

  int64_t rows() const override { return rows_; }
  bool has_labels() const override { return labels_.has_value(); }
  Result<Batch> Read(std::span<const int64_t> rows) const override;
  std::optional<int64_t> fixed_batch() const override { return fixed_batch_; }
  const std::vector<std::string>& guesses() const override { return guesses_; }

 private:
  // An array and the input that it feeds.
  struct Feed {
    std::string array;
    std::string input;
    DType dtype = DType::kUndefined;  // that the model wants
    Tensor data;
  };
  explicit ArrayDataSet(std::string noun) : noun_(std::move(noun)) {}
  Status BindInputs(const std::map<std::string, Tensor>& arrays, std::span<const TensorSpec> model_inputs,
                    const ArrayDataSetOptions& options);
  Status BindLabels(const std::map<std::string, Tensor>& arrays, std::span<const TensorSpec> model_inputs,
                    const ArrayDataSetOptions& options);
  Status AddFeed(const std::string& array, const Tensor& data, const TensorSpec& input);
  Status CheckRows() const;
  void NoteUnused(const std::map<std::string, Tensor>& arrays, const ArrayDataSetOptions& options);

  std::string noun_;
  std::vector<Feed> feeds_;
  std::optional<Feed> labels_;
  std::optional<int64_t> fixed_batch_;
  std::shared_ptr<const MappedFile> mapped_;
  std::vector<std::string> guesses_;
  int64_t rows_ = 0;
};

}  // namespace ns
