// Tables of text and numbers in files: .csv, .tsv, .jsonl. Opening checks the whole file once and notes where its rows
// begin; a row is parsed when it is read, so memory stays small.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// One value of a table.
struct Cell {
  enum class Kind {
    kMissing,  // not there, or null
    kText,     // `text`
    kNumbers,  // `numbers` of shape `shape` ([] for a single one); `text` is how a single one was written
    kOther,    // what no column can use: an object, an array of strings
  };
  Kind kind = Kind::kMissing;
  std::string text;
  std::vector<double> numbers;
  Shape shape;
};

// Rows from 0; the header does not count. Thread-safe.
class Table {
 public:
  virtual ~Table() = default;

  const std::vector<std::string>& columns() const { return columns_; }
  int64_t rows() const { return static_cast<int64_t>(records_.size()); }
  // A cell a column. `row` is below rows() (NS_CHECK).
  Result<std::vector<Cell>> Row(int64_t row) const;
  // "row 5 (line 7)", as people count lines in an editor.
  std::string Where(int64_t row) const;
  // What was inferred when it was opened, a sentence; "": nothing.
  const std::string& guess() const { return guess_; }
  // InvalidArgument (MISSING_COLUMN) lists the columns.
  Result<size_t> Column(std::string_view name) const;

 protected:
  // Where a row lies in the file.
  struct Record {
    size_t begin = 0;
    size_t end = 0;
    int64_t line = 0;
  };
  // Opens and maps `path` and checks that it is UTF-8 (BAD_ENCODING); a byte order mark is skipped.
  Status Map(const std::filesystem::path& path);
  std::string_view text() const { return text_; }
  std::string Context(int64_t line) const;  // "data set 'x.csv', line 7"
  // Sets the columns. InvalidArgument (BAD_FILE): two have one name; (EMPTY_DATA_SET): there are none.
  Status SetColumns(std::vector<std::string> columns);
  void SetGuess(std::string guess) { guess_ = std::move(guess); }
  void AddRecord(Record record) { records_.push_back(record); }
  // EMPTY_DATA_SET when there are no rows.
  Status CheckNotEmpty() const;

  // The cells of one row's text, one for each of columns(); it passed when the file was opened.
  virtual Result<std::vector<Cell>> ParseRecord(std::string_view record) const = 0;

 private:
  std::shared_ptr<const MappedFile> file_;
  std::string_view text_;
  std::vector<std::string> columns_;
  std::string guess_;
  std::vector<Record> records_;
};

// By the file's extension: .csv, .tsv or .jsonl (UNSUPPORTED_FORMAT). Errors as OpenDataSet().
Result<std::unique_ptr<Table>> OpenTable(const std::filesystem::path& path);

// The whole text as a finite number; none when it is not one.
std::optional<double> ParseNumber(std::string_view text);
std::optional<int64_t> ParseInteger(std::string_view text);

}  // namespace ns
