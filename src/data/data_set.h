// Data sets: rows that feed a model's inputs, with or without labels, read a batch at a time.
//
// - .npz: each array is named after the model input it feeds, rows on axis 0; `labels` holds the labels.
// - .csv, .tsv, .jsonl: text columns through a tokenizer, or numeric columns named after the model's inputs. GLUE's own
//   files are known, CoLA's by its shape, since it has no header.
//
// Whatever was inferred rather than told (which column is the text, a conversion of types) is in guesses().
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// Some rows, ready for the model.
struct Batch {
  // By model input name, in the type the model wants. Axis 0 has one entry a row, and more when a fixed batch was
  // filled up: see DataSet::fixed_batch().
  std::map<std::string, Tensor> inputs;
  // int64 (classes) or float32 (targets); axis 0 has exactly rows.size() entries, also when the inputs were filled up.
  std::optional<Tensor> labels;
  // The row numbers asked for, in that order.
  std::vector<int64_t> rows;
};

// Rows numbered from 0. Thread-safe: Read() may run on several threads at once.
class DataSet {
 public:
  virtual ~DataSet() = default;

  virtual int64_t rows() const = 0;
  virtual bool has_labels() const = 0;

  // The rows in the order given; repeated ones are allowed. Text is padded to the longest row of the batch, or to the
  // model's fixed length. Errors: InvalidArgument (NO_ROWS: `rows` is empty; BATCH_TOO_LARGE: more rows than
  // fixed_batch(); NON_FINITE_VALUE: NaN or Inf in an input; VALUE_OUT_OF_RANGE: a value that the model's type can't
  // hold; BAD_VALUE: a cell that is not what its column holds), OutOfRange (ROW_OUT_OF_RANGE). Messages name the row
  // and the column or array.
  virtual Result<Batch> Read(std::span<const int64_t> rows) const = 0;

  // The model's batch size where it is fixed: ask for that many rows at a time. When fewer are asked for (the last
  // batch), the inputs repeat the last row up to it; `rows` and `labels` of the batch do not, so the outputs' first
  // rows.size() rows count.
  virtual std::optional<int64_t> fixed_batch() const = 0;

  // What was inferred, a sentence each: "column 'sentence' taken as the text".
  virtual const std::vector<std::string>& guesses() const = 0;
};

// Which columns (or arrays) are what. Empty: guessed by name, see OpenDataSet().
struct ColumnOptions {
  std::string text;       // the text, with a tokenizer
  std::string text_pair;  // the second text of a pair, with a tokenizer
  std::string label;      // the labels
  // Column or array → the model input that it feeds. With a tokenizer the left side is what the tokenizer makes:
  // input_ids, attention_mask, token_type_ids, position_ids. Names that are not listed feed the input of the same name.
  std::map<std::string, std::string> inputs;
};

struct TokenizerOptions {
  std::filesystem::path file;  // tokenizer.json
  // Tokens a row, special ones included; longer text is cut. 0: the model's fixed length, else 512.
  int64_t max_length = 0;
  // Padding; none: what the file's own padding section says, else its token [PAD] or <pad> or the id 0, type 0, on the
  // right.
  std::optional<int64_t> pad_id;
  std::optional<int64_t> pad_type_id;
  enum class PadSide { kRight, kLeft };
  std::optional<PadSide> pad_side;
};

struct DataSetOptions {
  std::filesystem::path path;
  ColumnOptions columns;
  std::optional<TokenizerOptions> tokenizer;  // set: .csv, .tsv and .jsonl hold text
  std::map<std::string, int64_t> label_ids;   // label name → class (label2id); empty: labels are numbers
  enum class Labels { kOptional, kRequired };
  Labels labels = Labels::kOptional;  // kRequired: a data set without labels is an error (NO_LABELS)
  // What compressed arrays may take unpacked; more is ARRAY_TOO_LARGE.
  uint64_t max_inflated_bytes = uint64_t{64} << 30;
};

// Opens the data set for a model with these inputs and checks all that can be checked without reading every value:
// names, shapes, types, row counts, text encoding, labels.
//
// Guesses, each recorded: text columns by the usual names (sentence1 and sentence2, question and context, text,
// sentence, ...) or the only column that isn't the label; label by label, labels, class, target, ... or by holding the
// model's label names; the only array that isn't the labels feeds the only input; number types are converted where no
// value is lost (uint8 → float32) or only rounded (float64 → float32).
//
// Errors: NotFound (FILE_NOT_FOUND); InvalidArgument: UNSUPPORTED_FORMAT (lists what is supported), EMPTY_DATA_SET,
// BAD_FILE (damaged; with line number or array name), BAD_ENCODING (not UTF-8, with line number), RAGGED_ROW (line
// number), MISSING_COLUMN (what was found and what was expected), SHAPE_MISMATCH (array, its shape, input, its shape),
// DTYPE_MISMATCH, ROW_COUNT_MISMATCH, UNKNOWN_LABEL (row and known labels), BAD_VALUE, NO_LABELS, BAD_TOKENIZER,
// ARRAY_TOO_LARGE.
Result<std::unique_ptr<DataSet>> OpenDataSet(const DataSetOptions& options, std::span<const TensorSpec> model_inputs);

}  // namespace ns
