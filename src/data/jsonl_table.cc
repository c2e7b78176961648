#include "data/jsonl_table.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "data/names.h"

namespace ns {

namespace {

using json = nlohmann::ordered_json;  // columns keep the order of the file

constexpr size_t kMaxRank = 8;
constexpr double kMaxExact = 9007199254740992.0;  // 2^53: from here on integers may lose digits in a double

Result<json> ParseObject(std::string_view record) {
  try {
    json value = json::parse(record.begin(), record.end());
    if (value.is_object()) return value;
    return InvalidArgument(fmt::format("a JSON object is needed, not {}", value.type_name()), "BAD_FILE");
  } catch (const json::exception& error) {
    return InvalidArgument(fmt::format("not JSON: {}", Excerpt(error.what(), 200)), "BAD_FILE");
  }
}

std::optional<double> Number(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (!value.is_number()) return std::nullopt;
  auto number = value.get<double>();
  if (value.is_number_integer() && std::fabs(number) >= kMaxExact) return std::nullopt;
  return number;
}

// Appends the numbers of `value`, which lies `depth` arrays deep; false when the array is irregular or holds something
// else.
bool Flatten(const json& value, size_t depth, Cell* cell) {
  if (!value.is_array()) {
    std::optional<double> number = Number(value);
    if (!number || depth != cell->shape.size()) return false;
    cell->numbers.push_back(*number);
    return true;
  }
  auto size = static_cast<int64_t>(value.size());
  if (depth == cell->shape.size() && cell->numbers.empty() && depth < kMaxRank) cell->shape.push_back(size);
  if (depth >= cell->shape.size() || cell->shape[depth] != size) return false;
  for (const json& part : value) {
    if (!Flatten(part, depth + 1, cell)) return false;
  }
  return true;
}

Cell ToCell(const json& value) {
  Cell cell;
  if (value.is_null()) return cell;
  if (value.is_string()) {
    cell.kind = Cell::Kind::kText;
    cell.text = value.get<std::string>();
    return cell;
  }
  cell.kind = Flatten(value, 0, &cell) ? Cell::Kind::kNumbers : Cell::Kind::kOther;
  if (cell.kind == Cell::Kind::kNumbers && cell.shape.empty()) cell.text = value.dump();
  return cell;
}

}  // namespace

Result<std::unique_ptr<Table>> JsonlTable::Open(const std::filesystem::path& path) {
  auto table = std::make_unique<JsonlTable>();
  NS_RETURN_IF_ERROR(table->Map(path));
  NS_RETURN_IF_ERROR(table->Scan());
  return std::unique_ptr<Table>(std::move(table));
}

Status JsonlTable::Scan() {
  int64_t line = 0;
  for (size_t begin = 0; begin < text().size();) {
    ++line;
    size_t end = std::min(text().find('\n', begin), text().size());
    std::string_view record = text().substr(begin, end - begin);
    if (record.find_first_not_of(" \t\r") != std::string_view::npos) {
      Result<json> object = ParseObject(record);
      if (!object.ok()) return object.status().WithContext(Context(line));
      if (columns().empty()) {
        std::vector<std::string> names;
        for (const auto& [name, value] : object->items()) names.push_back(name);
        if (names.empty()) return InvalidArgument(Context(line) + ": the first object has no keys", "BAD_FILE");
        NS_RETURN_IF_ERROR(SetColumns(std::move(names)));
      }
      AddRecord({begin, end, line});
    }
    begin = end + 1;
  }
  return CheckNotEmpty();
}

Result<std::vector<Cell>> JsonlTable::ParseRecord(std::string_view record) const {
  NS_ASSIGN_OR_RETURN(json object, ParseObject(record));
  std::vector<Cell> cells;
  cells.reserve(columns().size());
  for (const std::string& column : columns()) {
    auto found = object.find(column);
    cells.push_back(found == object.end() ? Cell{} : ToCell(*found));
  }
  return cells;
}

}  // namespace ns
