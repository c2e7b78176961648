#include "data/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/utf8.h"
#include "data/csv_table.h"
#include "data/jsonl_table.h"
#include "data/names.h"
#include "data/tsv_table.h"

namespace ns {

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  if (text.starts_with('+')) text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status Table::Map(const std::filesystem::path& path) {
  NS_ASSIGN_OR_RETURN(file_, MappedFile::Open(path));
  std::span<const std::byte> bytes = file_->bytes();
  text_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  if (std::optional<size_t> bad = FindBadUtf8(text_)) {
    auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    return InvalidArgument(fmt::format("{}: byte 0x{:02x} is not UTF-8; convert the file (iconv -t UTF-8)",
                                       Context(line), static_cast<unsigned char>(text_[*bad])),
                           "BAD_ENCODING");
  }
  return OkStatus();
}

std::string Table::Context(int64_t line) const {
  return fmt::format("data set '{}', line {}", file_->path().string(), line);
}

Status Table::SetColumns(std::vector<std::string> columns) {
  std::set<std::string> seen;
  for (const std::string& column : columns) {
    if (!seen.insert(column).second) {
      return InvalidArgument(fmt::format("{}: column '{}' is there twice", Context(1), Excerpt(column)), "BAD_FILE");
    }
  }
  columns_ = std::move(columns);
  return columns_.empty() ? CheckNotEmpty() : OkStatus();
}

Status Table::CheckNotEmpty() const {
  if (!records_.empty()) return OkStatus();
  return InvalidArgument(fmt::format("data set '{}' has no rows", file_->path().string()), "EMPTY_DATA_SET");
}

std::string Table::Where(int64_t row) const {
  return fmt::format("row {} (line {})", row, records_[static_cast<size_t>(row)].line);
}

Result<std::vector<Cell>> Table::Row(int64_t row) const {
  NS_CHECK(row >= 0 && row < rows(), "row {} of {}", row, rows());
  const Record& record = records_[static_cast<size_t>(row)];
  Result<std::vector<Cell>> cells = ParseRecord(text_.substr(record.begin, record.end - record.begin));
  if (!cells.ok()) return cells.status().WithContext(Context(record.line));
  return cells;
}

Result<size_t> Table::Column(std::string_view name) const {
  auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found != columns_.end()) return static_cast<size_t>(found - columns_.begin());
  return InvalidArgument(fmt::format("no column '{}'; the data set has {}", Excerpt(name), ListNames(columns_)),
                         "MISSING_COLUMN");
}

Result<std::unique_ptr<Table>> OpenTable(const std::filesystem::path& path) {
  std::string extension = LowerCase(path.extension().string());
  if (extension == ".csv") return CsvTable::Open(path);
  if (extension == ".tsv") return TsvTable::Open(path);
  if (extension == ".jsonl") return JsonlTable::Open(path);
  return InvalidArgument(fmt::format("'{}' is no .csv, .tsv or .jsonl", path.string()), "UNSUPPORTED_FORMAT");
}

}  // namespace ns
