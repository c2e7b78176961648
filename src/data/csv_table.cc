#include "data/csv_table.h"

#include <algorithm>

namespace ns {

namespace {

// Reads fields from text, one record at a time.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  size_t position() const { return at_; }

  // The fields up to the end of the record, which is passed. Errors say what is wrong, not where.
  Result<std::vector<std::string>> Next() {
    std::vector<std::string> fields;
    while (true) {
      std::string field;
      NS_RETURN_IF_ERROR(At('"') ? Quoted(&field) : Plain(&field));
      fields.push_back(std::move(field));
      if (At(',')) {
        ++at_;
        continue;
      }
      PassLineEnd();
      return fields;
    }
  }

 private:
  bool At(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool AtLineEnd() const {
    return done() || At('\n') || (At('\r') && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }
  void PassLineEnd() {
    if (At('\r')) ++at_;
    if (At('\n')) ++at_;
  }

  Status Plain(std::string* field) {
    size_t begin = at_;
    while (!At(',') && !AtLineEnd()) {
      if (At('"')) return InvalidArgument("a quote inside a field that does not begin with one", "BAD_FILE");
      ++at_;
    }
    field->assign(text_.substr(begin, at_ - begin));
    return OkStatus();
  }

  Status Quoted(std::string* field) {
    ++at_;
    while (true) {
      size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) return InvalidArgument("a quote that is never closed", "BAD_FILE");
      field->append(text_.substr(at_, quote - at_));
      at_ = quote + 1;
      if (!At('"')) break;
      field->push_back('"');
      ++at_;
    }
    if (!At(',') && !AtLineEnd()) return InvalidArgument("text after a field's closing quote", "BAD_FILE");
    return OkStatus();
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool IsBlank(const std::vector<std::string>& fields) { return fields.size() == 1 && fields[0].empty(); }

}  // namespace

Result<std::unique_ptr<Table>> CsvTable::Open(const std::filesystem::path& path) {
  auto table = std::make_unique<CsvTable>();
  NS_RETURN_IF_ERROR(table->Map(path));
  NS_RETURN_IF_ERROR(table->Scan());
  return std::unique_ptr<Table>(std::move(table));
}

Status CsvTable::Scan() {
  CsvReader reader(text());
  int64_t line = 1;
  while (!reader.done()) {
    size_t begin = reader.position();
    Result<std::vector<std::string>> fields = reader.Next();
    if (!fields.ok()) return fields.status().WithContext(Context(line));
    if (!IsBlank(*fields)) {
      if (columns().empty()) {
        NS_RETURN_IF_ERROR(SetColumns(std::move(*fields)));
      } else if (fields->size() != columns().size()) {
        return InvalidArgument(
            fmt::format("{} has {} fields, the header has {}", Context(line), fields->size(), columns().size()),
            "RAGGED_ROW");
      } else {
        AddRecord({begin, reader.position(), line});
      }
    }
    std::string_view passed = text().substr(begin, reader.position() - begin);
    line += std::count(passed.begin(), passed.end(), '\n');
  }
  return CheckNotEmpty();
}

Result<std::vector<Cell>> CsvTable::ParseRecord(std::string_view record) const {
  NS_ASSIGN_OR_RETURN(std::vector<std::string> fields, CsvReader(record).Next());
  if (fields.size() != columns().size()) return InvalidArgument("the file changed while it was read", "BAD_FILE");
  std::vector<Cell> cells;
  cells.reserve(fields.size());
  for (std::string& field : fields) cells.push_back(Cell{Cell::Kind::kText, std::move(field), {}, {}});
  return cells;
}

}  // namespace ns
