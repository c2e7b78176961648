#include "data/tsv_table.h"

namespace ns {

namespace {

std::vector<std::string> SplitAtTabs(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    size_t tab = line.find('\t');
    fields.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

// GLUE's CoLA has no header: where the sentence is from, whether it is acceptable, the authors' mark, the sentence.
bool IsRowOfCola(const std::vector<std::string>& fields) {
  return fields.size() == 4 && (fields[1] == "0" || fields[1] == "1") && (fields[2].empty() || fields[2] == "*") && !fields[3].empty();
}

}  // namespace

Result<std::unique_ptr<Table>> TsvTable::Open(const std::filesystem::path& path) {
  auto table = std::make_unique<TsvTable>();
  NS_RETURN_IF_ERROR(table->Map(path));
  NS_RETURN_IF_ERROR(table->Scan());
  return std::unique_ptr<Table>(std::move(table));
}

Status TsvTable::Scan() {
  int64_t line = 0;
  for (size_t begin = 0; begin < text().size();) {
    ++line;
    size_t next = std::min(text().find('\n', begin), text().size());
    size_t end = next > begin && text()[next - 1] == '\r' ? next - 1 : next;
    if (end > begin) {
      std::vector<std::string> fields = SplitAtTabs(text().substr(begin, end - begin));
      if (columns().empty() && IsRowOfCola(fields)) {
        NS_RETURN_IF_ERROR(SetColumns({"source", "label", "mark", "sentence"}));
        SetGuess("no header: columns as in GLUE's CoLA (source, label, mark, sentence)");
        AddRecord({begin, end, line});
      } else if (columns().empty()) {
        NS_RETURN_IF_ERROR(SetColumns(std::move(fields)));
      } else if (fields.size() != columns().size()) {
        return InvalidArgument(
            fmt::format("{} has {} fields, the header has {}", Context(line), fields.size(), columns().size()),
            "RAGGED_ROW");
      } else {
        AddRecord({begin, end, line});
      }
    }
    begin = next + 1;
  }
  return CheckNotEmpty();
}

Result<std::vector<Cell>> TsvTable::ParseRecord(std::string_view record) const {
  std::vector<std::string> fields = SplitAtTabs(record);
  if (fields.size() != columns().size()) return InvalidArgument("the file changed while it was read", "BAD_FILE");
  std::vector<Cell> cells;
  cells.reserve(fields.size());
  for (std::string& field : fields) cells.push_back(Cell{Cell::Kind::kText, std::move(field), {}, {}});
  return cells;
}

}  // namespace ns
