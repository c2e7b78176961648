// A table of text through a tokenizer: input_ids, attention_mask, token_type_ids and position_ids, as far as the model
// wants them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/columns.h"
#include "data/data_set.h"
#include "data/table.h"
#include "data/tokenizer.h"

namespace ns {

class TextDataSet final : public DataSet {
 public:
  // `options.tokenizer` is set. Errors as OpenDataSet().
  static Result<std::unique_ptr<DataSet>> Open(const DataSetOptions& options, std::span<const TensorSpec> model_inputs);

  int64_t rows() const override { return table_->rows(); }
  bool has_labels() const override { return labels_.has_value(); }
  Result<Batch> Read(std::span<const int64_t> rows) const override;
  std::optional<int64_t> fixed_batch() const override { return fixed_batch_; }
  const std::vector<std::string>& guesses() const override { return guesses_; }

 private:
  enum class Source { kIds, kMask, kTypes, kPositions };
  struct Feed {
    std::string input;
    DType dtype = DType::kUndefined;
    Source source = Source::kIds;
  };
  TextDataSet() = default;
  Status BindInputs(const DataSetOptions& options, std::span<const TensorSpec> model_inputs);
  Status BindColumns(const DataSetOptions& options);
  Status SetLengths(const TokenizerOptions& options, std::span<const TensorSpec> model_inputs);
  void SetPadding(const TokenizerOptions& options);
  Result<Encodings> EncodeRows(std::span<const int64_t> rows) const;
  // [batch, length] of one input, padding and repeated rows included.
  Result<Tensor> Fill(const Feed& feed, const Encodings& encoded, int64_t batch, int64_t length) const;
  int64_t PaddingValue(Source source) const;

  std::unique_ptr<Table> table_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TextColumns columns_;
  std::optional<Tensor> labels_;
  std::vector<Feed> feeds_;
  Tokenizer::Padding padding_;
  int64_t max_length_ = 0;
  std::optional<int64_t> fixed_length_;
  std::optional<int64_t> fixed_batch_;
  std::vector<std::string> guesses_;
};

}  // namespace ns
