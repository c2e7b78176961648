#include "data/number_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/array_data_set.h"
#include "data/columns.h"
#include "data/convert.h"
#include "data/labels.h"
#include "data/model_inputs.h"
#include "data/names.h"

namespace ns {

namespace {

Status BadCell(const Table& table, int64_t row, size_t column, std::string_view what, std::string_view reason) {
  return InvalidArgument(fmt::format("{}, column '{}': {}", table.Where(row), Excerpt(table.columns()[column]), what),
                         std::string(reason));
}

// The numbers of a cell of a csv or tsv file are text.
Status AsNumbers(const Table& table, int64_t row, size_t column, Cell* cell) {
  if (cell->kind == Cell::Kind::kNumbers) return OkStatus();
  std::optional<double> number = cell->kind == Cell::Kind::kText ? ParseNumber(cell->text) : std::nullopt;
  if (!number) {
    std::string found = cell->kind == Cell::Kind::kText ? fmt::format("'{}'", Excerpt(cell->text)) : "nothing";
    if (cell->kind == Cell::Kind::kOther) found = "something else";
    std::string lower = LowerCase(cell->text);
    bool non_finite =
        lower == "nan" || lower == "inf" || lower == "-inf" || lower == "infinity" || lower == "-infinity";
    return BadCell(table, row, column, fmt::format("a finite number is needed, found is {}", found),
                   non_finite ? "NON_FINITE_VALUE" : "BAD_VALUE");
  }
  *cell = Cell{Cell::Kind::kNumbers, {}, {*number}, {}};
  return OkStatus();
}

// Columns side by side as one array [rows, ...]: of one column, its cells' shape follows; of several, each is one
// element of axis 1.
struct ColumnGroup {
  std::string name;
  std::vector<size_t> columns;
  std::vector<double> values;
  Shape cell_shape;
};

Status AddRow(const Table& table, int64_t row, std::vector<Cell>* cells, ColumnGroup* group) {
  for (size_t column : group->columns) {
    Cell& cell = (*cells)[column];
    NS_RETURN_IF_ERROR(AsNumbers(table, row, column, &cell));
    if (row == 0 && group->columns.size() == 1) group->cell_shape = cell.shape;
    const Shape& wanted = group->columns.size() == 1 ? group->cell_shape : Shape{};
    if (cell.shape != wanted) {
      return BadCell(
          table, row, column,
          fmt::format("the shape is {}, in the first row it is {}", ShapeToString(cell.shape), ShapeToString(wanted)),
          "SHAPE_MISMATCH");
    }
    group->values.insert(group->values.end(), cell.numbers.begin(), cell.numbers.end());
  }
  return OkStatus();
}

// The table's row and column of a value.
Status BadValue(const Table& table, const ColumnGroup& group, size_t i, std::string_view what,
                std::string_view reason) {
  size_t per_row = group.values.size() / static_cast<size_t>(table.rows());
  size_t column = group.columns.size() > 1 ? group.columns[i % per_row] : group.columns[0];
  return BadCell(table, static_cast<int64_t>(i / per_row), column, fmt::format("{} {}", group.values[i], what), reason);
}

Result<Tensor> WholeNumbers(const Table& table, const ColumnGroup& group, const Shape& shape, DType wanted) {
  std::vector<int64_t> whole;
  whole.reserve(group.values.size());
  for (size_t i = 0; i < group.values.size(); ++i) {
    if (group.values[i] != std::trunc(group.values[i]) || std::fabs(group.values[i]) > 9e15) {
      return BadValue(table, group, i,
                      fmt::format("is no whole number, but the model's input is {}", DTypeName(wanted)),
                      "DTYPE_MISMATCH");
    }
    whole.push_back(static_cast<int64_t>(group.values[i]));
  }
  return Tensor::From<int64_t>(shape, whole);
}

Result<Tensor> Floats(const Table& table, const ColumnGroup& group, const Shape& shape) {
  std::vector<float> floats;
  floats.reserve(group.values.size());
  for (size_t i = 0; i < group.values.size(); ++i) {
    if (std::fabs(group.values[i]) > std::numeric_limits<float>::max()) {
      return BadValue(table, group, i, "does not fit into float32", "VALUE_OUT_OF_RANGE");
    }
    floats.push_back(static_cast<float>(group.values[i]));
  }
  return Tensor::From<float>(shape, floats);
}

// As the input wants it: [rows, 1] where cells are single and the input has two axes; integers, float32 or float64
// after the input's own type, so that a text file's numbers aren't told to be converted.
Result<Tensor> ToTensor(const Table& table, const ColumnGroup& group, const TensorSpec& input) {
  Shape shape = group.cell_shape;
  bool column_axis = input.has_shape && input.shape.size() == 2 && group.cell_shape.empty();
  if (group.columns.size() > 1) {
    shape = {static_cast<int64_t>(group.columns.size())};
  } else if (column_axis) {
    shape = {1};
  }
  shape.insert(shape.begin(), table.rows());
  bool takes_fractions = ConversionOf(DType::kDouble, input.dtype) != Conversion::kImpossible;
  bool takes_integers = ConversionOf(DType::kInt64, input.dtype) != Conversion::kImpossible;
  if (takes_integers && !takes_fractions) return WholeNumbers(table, group, shape, input.dtype);
  if (input.dtype == DType::kFloat) return Floats(table, group, shape);
  return Tensor::From<double>(shape, group.values);
}

std::optional<size_t> FindColumn(const Table& table, const std::string& name) {
  auto found = std::find(table.columns().begin(), table.columns().end(), name);
  if (found == table.columns().end()) return std::nullopt;
  return static_cast<size_t>(found - table.columns().begin());
}

// The columns of each input.
class Grouping {
 public:
  Grouping(const Table& table, const DataSetOptions& options, std::optional<size_t> label)
      : table_(table), options_(options), label_(label) {}

  Result<std::vector<ColumnGroup>> Choose(std::span<const TensorSpec> inputs, std::vector<std::string>* guesses) const {
    std::vector<ColumnGroup> groups;
    for (const TensorSpec& input : inputs) {
      std::string name = input.name;
      for (const auto& [column, mapped] : options_.columns.inputs) {
        if (mapped == input.name) name = column;
      }
      ColumnGroup group{input.name, {}, {}, {}};
      if (std::optional<size_t> column = FindColumn(table_, name)) {
        group.columns = {*column};
      } else if (inputs.size() == 1) {
        group.columns = AllColumnsFor(input);
        if (!group.columns.empty()) {
          guesses->push_back(fmt::format("the columns {} feed the model's input '{}' in this order",
                                         ListNames(Names(group.columns)), input.name));
        }
      }
      if (group.columns.empty()) return Missing(name, input);
      groups.push_back(std::move(group));
    }
    return groups;
  }

 private:
  std::vector<std::string> Names(const std::vector<size_t>& columns) const {
    std::vector<std::string> names;
    names.reserve(columns.size());
    for (size_t column : columns) names.push_back(table_.columns()[column]);
    return names;
  }

  std::vector<size_t> AllColumnsFor(const TensorSpec& input) const {
    std::vector<size_t> all;
    if (!input.has_shape || input.shape.size() != 2) return all;
    for (size_t i = 0; i < table_.columns().size(); ++i) {
      if (label_ != i && !IsRowNumber(table_.columns()[i])) all.push_back(i);
    }
    bool fits = all.size() > 1 && (input.shape[1] < 0 || static_cast<size_t>(input.shape[1]) == all.size());
    return fits ? all : std::vector<size_t>{};
  }

  Status Missing(const std::string& column, const TensorSpec& input) const {
    std::string hint = input.name == "input_ids" ? "; text needs a tokenizer.json beside the model" : "";
    return InvalidArgument(
        fmt::format("no column '{}' for the model's input '{}' ({}); the data set has {}{}", Excerpt(column),
                    input.name, DescribeInput(input), ListNames(table_.columns()), hint),
        "MISSING_COLUMN");
  }

  const Table& table_;
  const DataSetOptions& options_;
  std::optional<size_t> label_;
};

Result<std::unique_ptr<DataSet>> BuildSet(const Table& table, const DataSetOptions& options,
                                          std::span<const TensorSpec> model_inputs) {
  std::vector<std::string> guesses;
  ColumnOptions told = options.columns;
  for (const TensorSpec& input : model_inputs) told.inputs.emplace(input.name, input.name);  // an input 'y' is no label
  NS_ASSIGN_OR_RETURN(std::optional<size_t> label, ChooseLabelColumn(table, told, options.label_ids, &guesses));
  NS_ASSIGN_OR_RETURN(std::vector<ColumnGroup> groups, Grouping(table, options, label).Choose(model_inputs, &guesses));
  for (int64_t row = 0; row < table.rows(); ++row) {
    NS_ASSIGN_OR_RETURN(std::vector<Cell> cells, table.Row(row));
    for (ColumnGroup& group : groups) NS_RETURN_IF_ERROR(AddRow(table, row, &cells, &group));
  }
  std::map<std::string, Tensor> arrays;
  for (size_t i = 0; i < groups.size(); ++i) {
    NS_ASSIGN_OR_RETURN(Tensor array, ToTensor(table, groups[i], model_inputs[i]));
    arrays.emplace(groups[i].name, std::move(array));
  }
  ArrayDataSetOptions array_options;
  array_options.noun = "column";
  array_options.labels = options.labels;
  array_options.guesses = std::move(guesses);
  if (label) {
    array_options.label = table.columns()[*label];
    NS_ASSIGN_OR_RETURN(Tensor labels, ReadLabels(table, *label, options.label_ids));
    arrays.emplace(array_options.label, std::move(labels));
  }
  return ArrayDataSet::Create(arrays, model_inputs, array_options);
}

}  // namespace

Result<std::unique_ptr<DataSet>> OpenNumberTable(const DataSetOptions& options,
                                                 std::span<const TensorSpec> model_inputs) {
  NS_ASSIGN_OR_RETURN(std::unique_ptr<Table> table, OpenTable(options.path));
  Result<std::unique_ptr<DataSet>> set = BuildSet(*table, options, model_inputs);
  if (!set.ok()) return set.status().WithContext(fmt::format("data set '{}'", options.path.string()));
  return set;
}

}  // namespace ns
