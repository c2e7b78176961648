#include "data/labels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
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

// The names of the column, sorted; none: one is a number or missing, or there are more than `most`.
Result<std::vector<std::string>> NamesOf(const Table& table, size_t column, size_t most) {
  std::set<std::string> names;
  for (int64_t row = 0; row < table.rows() && names.size() <= most; ++row) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> cells, table.Row(row));
    const Cell& cell = cells[column];
    if (cell.kind != Cell::Kind::kText || cell.text.empty() || ParseNumber(cell.text)) return std::vector<std::string>();
    names.insert(cell.text);
  }
  return names.size() <= most ? std::vector<std::string>(names.begin(), names.end()) : std::vector<std::string>();
}

bool IsOnlyNumbered(const LabelIds& label_ids) {
  return std::all_of(label_ids.begin(), label_ids.end(), [](const auto& label) { return label.first == fmt::format("LABEL_{}", label.second); });
}

// Of the sets whose usual order is another than the alphabet's.
void PutIntoUsualOrder(std::vector<std::string>* names) {
  if (*names == std::vector<std::string>{"contradiction", "entailment", "neutral"}) *names = {"entailment", "neutral", "contradiction"};
}

}  // namespace

Result<LabelIds> FitLabelNames(const Table& table, size_t column, const LabelIds& label_ids, std::vector<std::string>* guesses) {
  if (label_ids.empty()) return label_ids;
  NS_ASSIGN_OR_RETURN(std::vector<std::string> names, NamesOf(table, column, label_ids.size()));
  auto is_known = [&](const std::string& name) { return label_ids.contains(name); };
  if (names.empty() || std::all_of(names.begin(), names.end(), is_known)) return label_ids;
  LabelIds fitted, by_case;
  for (const auto& [name, id] : label_ids) by_case[LowerCase(name)] = id;
  for (const std::string& name : names) {
    if (auto found = by_case.find(LowerCase(name)); found != by_case.end()) fitted[name] = found->second;
  }
  if (fitted.size() == names.size() && by_case.size() == label_ids.size()) {
    guesses->push_back("the data writes the model's label names in another case");
    return fitted;
  }
  if (!IsOnlyNumbered(label_ids) || names.size() != label_ids.size()) return label_ids;
  PutIntoUsualOrder(&names);
  fitted.clear();
  for (size_t i = 0; i < names.size(); ++i) fitted[names[i]] = static_cast<int64_t>(i);
  guesses->push_back(fmt::format("the model's labels have no names: {} taken as its classes 0 to {}", ListNames(names), names.size() - 1));
  return fitted;
}

Result<Tensor> ReadLabels(const Table& table, size_t column, const LabelIds& label_ids) {
  LabelReader reader(table, column, label_ids);
  for (int64_t row = 0; row < table.rows(); ++row) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> cells, table.Row(row));
    NS_RETURN_IF_ERROR(reader.Add(row, cells[column]));
  }
  return reader.Take();
}

}  // namespace ns
