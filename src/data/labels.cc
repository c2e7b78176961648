#include "data/labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "data/names.h"

namespace ns {

namespace {

using LabelIds = std::map<std::string, int64_t>;

std::string ListLabels(const LabelIds& label_ids) {
  std::vector<std::string> names;
  for (const auto& [name, id] : label_ids) names.push_back(name);
  return ListNames(names, 20);
}

// Collects the labels row by row.
class LabelReader {
 public:
  LabelReader(const Table& table, size_t column, const LabelIds& label_ids)
      : table_(table), column_(column), label_ids_(label_ids) {
    for (const auto& [name, id] : label_ids) classes_.push_back(id);
    std::sort(classes_.begin(), classes_.end());
  }

  Status Add(int64_t row, const Cell& cell) {
    if (row == 0) {
      names_ = cell.kind != Cell::Kind::kMissing && label_ids_.contains(cell.text);
      shape_ = cell.kind == Cell::Kind::kNumbers ? cell.shape : Shape{};
    }
    if (names_) return AddName(row, cell);
    if (cell.kind == Cell::Kind::kNumbers) return AddNumbers(row, cell);
    if (cell.kind != Cell::Kind::kText || cell.text.empty()) return Bad(row, "the label is missing", "BAD_VALUE");
    std::optional<double> number = ParseNumber(cell.text);
    if (number) return AddNumbers(row, Cell{Cell::Kind::kNumbers, cell.text, {*number}, {}});
    if (label_ids_.empty()) {
      return Bad(row,
                 fmt::format("'{}' is no number, and the model tells no label names (label2id in config.json)",
                             Excerpt(cell.text)),
                 "BAD_VALUE");
    }
    return Unknown(row, cell.text);
  }

  Tensor Take() {
    Shape shape = shape_;
    shape.insert(shape.begin(), table_.rows());
    if (!fractions_) {
      std::vector<int64_t> whole(values_.begin(), values_.end());
      return Tensor::From<int64_t>(shape, whole);
    }
    std::vector<float> targets(values_.begin(), values_.end());
    return Tensor::From<float>(shape, targets);
  }

 private:
  Status Bad(int64_t row, std::string_view what, std::string_view reason) const {
    return InvalidArgument(
        fmt::format("{}, column '{}': {}", table_.Where(row), Excerpt(table_.columns()[column_]), what),
        std::string(reason));
  }
  Status Unknown(int64_t row, std::string_view value) const {
    return Bad(
        row, fmt::format("label '{}' is not known; the model's labels are {}", Excerpt(value), ListLabels(label_ids_)),
        "UNKNOWN_LABEL");
  }

  Status AddName(int64_t row, const Cell& cell) {
    auto found = label_ids_.find(cell.text);
    if (cell.kind == Cell::Kind::kMissing || found == label_ids_.end()) return Unknown(row, cell.text);
    values_.push_back(static_cast<double>(found->second));
    return OkStatus();
  }

  Status AddNumbers(int64_t row, const Cell& cell) {
    if (cell.shape != shape_) {
      return Bad(row,
                 fmt::format("the label has shape {}, in the first row it has {}", ShapeToString(cell.shape),
                             ShapeToString(shape_)),
                 "BAD_VALUE");
    }
    if (cell.numbers.empty()) return Bad(row, "the label is an empty array", "BAD_VALUE");
    for (double value : cell.numbers) {
      if (std::fabs(value) > std::numeric_limits<float>::max()) {
        return Bad(row, fmt::format("{} is too large", cell.text), "BAD_VALUE");
      }
      bool whole = value == std::trunc(value) && std::fabs(value) < 1e15;
      fractions_ = fractions_ || !whole;
      bool is_class = whole && std::binary_search(classes_.begin(), classes_.end(), static_cast<int64_t>(value));
      // An array of labels may hold the value that counts nowhere; a single label may not.
      if (!label_ids_.empty() && !is_class && (shape_.empty() || !whole || value >= 0)) return Unknown(row, cell.text);
      values_.push_back(value);
    }
    return OkStatus();
  }

  const Table& table_;
  size_t column_;
  const LabelIds& label_ids_;
  std::vector<int64_t> classes_;
  bool names_ = false;
  bool fractions_ = false;
  Shape shape_;
  std::vector<double> values_;
};

}  // namespace

Result<Tensor> ReadLabels(const Table& table, size_t column, const LabelIds& label_ids) {
  LabelReader reader(table, column, label_ids);
  for (int64_t row = 0; row < table.rows(); ++row) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> cells, table.Row(row));
    NS_RETURN_IF_ERROR(reader.Add(row, cells[column]));
  }
  return reader.Take();
}

}  // namespace ns
