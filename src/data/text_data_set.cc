#include "data/text_data_set.h"

#include <algorithm>
#include <cstring>

#include "data/convert.h"
#include "data/labels.h"
#include "data/model_inputs.h"
#include "data/names.h"

namespace ns {

namespace {

constexpr int64_t kDefaultMaxLength = 512;
constexpr int64_t kLongest = 1 << 20;

// The labels of the rows, in their order.
Tensor ChooseRows(const Tensor& labels, std::span<const int64_t> rows) {
  Shape shape = labels.shape();
  shape[0] = static_cast<int64_t>(rows.size());
  Tensor out(labels.dtype(), shape);
  size_t bytes = labels.byte_size() / static_cast<size_t>(labels.shape()[0]);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::memcpy(static_cast<std::byte*>(out.mutable_data()) + i * bytes,
                static_cast<const std::byte*>(labels.data()) + static_cast<size_t>(rows[i]) * bytes, bytes);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<DataSet>> TextDataSet::Open(const DataSetOptions& options,
                                                   std::span<const TensorSpec> model_inputs) {
  std::unique_ptr<TextDataSet> set(new TextDataSet());
  NS_ASSIGN_OR_RETURN(set->fixed_batch_, FixedBatch(model_inputs));
  NS_RETURN_IF_ERROR(set->BindInputs(options, model_inputs));
  NS_RETURN_IF_ERROR(set->SetLengths(*options.tokenizer, model_inputs));
  NS_ASSIGN_OR_RETURN(set->table_, OpenTable(options.path));
  NS_RETURN_IF_ERROR(set->BindColumns(options).WithContext(fmt::format("data set '{}'", options.path.string())));
  NS_ASSIGN_OR_RETURN(set->tokenizer_, Tokenizer::Load(options.tokenizer->file));
  set->SetPadding(*options.tokenizer);
  return std::unique_ptr<DataSet>(std::move(set));
}

Status TextDataSet::BindInputs(const DataSetOptions& options, std::span<const TensorSpec> model_inputs) {
  static const std::map<std::string, Source> kSources = {{"input_ids", Source::kIds},
                                                         {"attention_mask", Source::kMask},
                                                         {"token_type_ids", Source::kTypes},
                                                         {"position_ids", Source::kPositions}};
  for (const TensorSpec& input : model_inputs) {
    std::string made = input.name;
    for (const auto& [source, mapped] : options.columns.inputs) {
      if (mapped == input.name) made = source;
    }
    auto found = kSources.find(made);
    if (found == kSources.end()) {
      return InvalidArgument(
          fmt::format(
              "the model's input '{}' ({}) is none that a tokenizer makes: input_ids, attention_mask, token_type_ids, "
              "position_ids; name the one it takes in columns.inputs",
              input.name, DescribeInput(input)),
          "MISSING_COLUMN", "columns.inputs");
    }
    if (ConversionOf(DType::kInt64, input.dtype) == Conversion::kImpossible) {
      return InvalidArgument(
          fmt::format("the model's input '{}' is {}, {} are integers", input.name, DTypeName(input.dtype), made),
          "DTYPE_MISMATCH");
    }
    feeds_.push_back(Feed{input.name, input.dtype, found->second});
  }
  auto is_ids = [](const Feed& feed) { return feed.source == Source::kIds; };
  if (std::none_of(feeds_.begin(), feeds_.end(), is_ids)) {
    return InvalidArgument(
        fmt::format("the model takes no text: none of its inputs {} is input_ids", ListNames(InputNames(model_inputs))),
        "MISSING_COLUMN");
  }
  return OkStatus();
}

Status TextDataSet::SetLengths(const TokenizerOptions& options, std::span<const TensorSpec> model_inputs) {
  for (const TensorSpec& input : model_inputs) {
    if (!input.has_shape) continue;
    if (input.shape.size() != 2) {
      return InvalidArgument(fmt::format("the model's input '{}' ({}) is not of the shape [rows, tokens]", input.name,
                                         DescribeInput(input)),
                             "SHAPE_MISMATCH");
    }
    if (input.shape[1] < 0) continue;
    bool possible =
        input.shape[1] > 0 && input.shape[1] <= kLongest && input.shape[1] == fixed_length_.value_or(input.shape[1]);
    if (!possible) {
      return InvalidArgument(fmt::format("the model's input '{}' ({}) has a length of tokens that can't be filled, or "
                                         "another than the inputs before it",
                                         input.name, DescribeInput(input)),
                             "SHAPE_MISMATCH");
    }
    fixed_length_ = input.shape[1];
  }
  if (options.max_length < 0 || options.max_length > kLongest) {
    return InvalidArgument(fmt::format("max_length is {}, 1 to {} are possible", options.max_length, kLongest),
                           "BAD_VALUE");
  }
  max_length_ = options.max_length > 0 ? options.max_length : fixed_length_.value_or(kDefaultMaxLength);
  max_length_ = std::min(max_length_, fixed_length_.value_or(max_length_));
  return OkStatus();
}

Status TextDataSet::BindColumns(const DataSetOptions& options) {
  if (!table_->guess().empty()) guesses_.push_back(table_->guess());
  NS_ASSIGN_OR_RETURN(std::optional<size_t> label,
                      ChooseLabelColumn(*table_, options.columns, options.label_ids, &guesses_));
  NS_ASSIGN_OR_RETURN(columns_, ChooseTextColumns(*table_, options.columns, label, &guesses_));
  if (label) {
    NS_ASSIGN_OR_RETURN(auto label_ids, FitLabelNames(*table_, *label, options.label_ids, &guesses_));
    NS_ASSIGN_OR_RETURN(labels_, ReadLabels(*table_, *label, label_ids));
  } else if (options.labels == DataSetOptions::Labels::kRequired) {
    return InvalidArgument(fmt::format("no labels: a column 'label' is needed, or its name in 'columns'; found are {}",
                                       ListNames(table_->columns())),
                           "NO_LABELS");
  }
  return OkStatus();
}

void TextDataSet::SetPadding(const TokenizerOptions& options) {
  if (std::optional<Tokenizer::Padding> told = tokenizer_->padding()) {
    padding_ = *told;
  } else {
    for (std::string_view token : {"[PAD]", "<pad>"}) {
      std::optional<int64_t> id = tokenizer_->TokenId(token);
      if (!id) continue;
      padding_.id = *id;
      break;
    }
  }
  padding_.id = options.pad_id.value_or(padding_.id);
  padding_.type_id = options.pad_type_id.value_or(padding_.type_id);
  if (options.pad_side) padding_.left = *options.pad_side == TokenizerOptions::PadSide::kLeft;
}

Result<Encodings> TextDataSet::EncodeRows(std::span<const int64_t> rows) const {
  std::vector<std::vector<Cell>> cells;
  std::vector<std::string_view> texts;
  std::vector<std::string_view> pairs;
  cells.reserve(rows.size());  // the views below point into it
  for (int64_t row : rows) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> read, table_->Row(row));
    cells.push_back(std::move(read));
    for (auto [column, out] : {std::pair(std::optional(columns_.text), &texts), std::pair(columns_.pair, &pairs)}) {
      if (!column) continue;
      const Cell& cell = cells.back()[*column];
      if (cell.kind != Cell::Kind::kText) {
        return InvalidArgument(
            fmt::format("{}, column '{}': text is needed", table_->Where(row), Excerpt(table_->columns()[*column])),
            "BAD_VALUE");
      }
      out->push_back(cell.text);
    }
  }
  return tokenizer_->Encode(texts, pairs, max_length_);
}

Result<Batch> TextDataSet::Read(std::span<const int64_t> rows) const {
  NS_RETURN_IF_ERROR(CheckRowsAsked(rows, this->rows(), fixed_batch_));
  NS_ASSIGN_OR_RETURN(Encodings encoded, EncodeRows(rows));
  int64_t length = 1;
  for (size_t i = 0; i < rows.size(); ++i) length = std::max(length, static_cast<int64_t>(encoded.length(i)));
  length = fixed_length_.value_or(length);
  Batch batch;
  batch.rows.assign(rows.begin(), rows.end());
  for (const Feed& feed : feeds_) {
    NS_ASSIGN_OR_RETURN(Tensor tensor,
                        Fill(feed, encoded, fixed_batch_.value_or(static_cast<int64_t>(rows.size())), length));
    batch.inputs.emplace(feed.input, std::move(tensor));
  }
  if (labels_) batch.labels = ChooseRows(*labels_, rows);
  return batch;
}

int64_t TextDataSet::PaddingValue(Source source) const {
  return source == Source::kIds ? padding_.id : source == Source::kTypes ? padding_.type_id : 0;
}

Result<Tensor> TextDataSet::Fill(const Feed& feed, const Encodings& encoded, int64_t batch, int64_t length) const {
  std::vector<int64_t> values(static_cast<size_t>(batch * length), PaddingValue(feed.source));
  size_t texts = encoded.offsets.size() - 1;
  for (size_t row = 0; row < static_cast<size_t>(batch); ++row) {
    size_t from = std::min(row, texts - 1);
    size_t count = encoded.length(from);
    size_t gap = padding_.left ? static_cast<size_t>(length) - count : 0;
    int64_t* to = values.data() + row * static_cast<size_t>(length) + gap;
    for (size_t i = 0; i < count; ++i) {
      size_t token = encoded.offsets[from] + i;
      switch (feed.source) {
        case Source::kIds: to[i] = encoded.ids[token]; break;
        case Source::kMask: to[i] = 1; break;
        case Source::kTypes: to[i] = encoded.type_ids[token]; break;
        case Source::kPositions: to[i] = static_cast<int64_t>(i); break;
      }
    }
  }
  Tensor out(feed.dtype, {batch, length});
  if (std::optional<size_t> bad =
          ConvertElements(values.data(), DType::kInt64, values.size(), out.mutable_data(), feed.dtype)) {
    return InvalidArgument(fmt::format("{} for the model's input '{}' does not fit into {}", values[*bad], feed.input,
                                       DTypeName(feed.dtype)),
                           "VALUE_OUT_OF_RANGE");
  }
  return out;
}

}  // namespace ns
