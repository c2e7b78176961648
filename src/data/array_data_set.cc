#include "data/array_data_set.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "data/convert.h"
#include "data/model_inputs.h"
#include "data/names.h"

namespace ns {

namespace {

using Arrays = std::map<std::string, Tensor>;

constexpr std::array<std::string_view, 6> kLabelNames = {"labels", "label", "y", "targets", "target", "classes"};

std::string Describe(std::string_view noun, const std::string& name, const Tensor& array) {
  return fmt::format("{} '{}' ({} {})", noun, Excerpt(name), DTypeName(array.dtype()), ShapeToString(array.shape()));
}

std::string ListArrays(const Arrays& arrays) {
  std::vector<std::string> names;
  for (const auto& [name, array] : arrays) names.push_back(name);
  return ListNames(names);
}

// Axis 0 is rows, whatever the model says of it; the others agree where they are fixed.
bool ShapeFits(const Shape& array, const TensorSpec& input) {
  if (!input.has_shape) return true;
  if (array.size() != input.shape.size()) return false;
  for (size_t i = 1; i < array.size(); ++i) {
    if (input.shape[i] >= 0 && input.shape[i] != array[i]) return false;
  }
  return true;
}

Status CheckArray(std::string_view noun, const std::string& name, const Tensor& array) {
  if (array.shape().empty()) {
    return InvalidArgument(fmt::format("{} is a single number: rows on axis 0 are needed", Describe(noun, name, array)),
                           "SHAPE_MISMATCH");
  }
  if (array.count() == 0) {
    return InvalidArgument(fmt::format("{} has no values", Describe(noun, name, array)), "EMPTY_DATA_SET");
  }
  return OkStatus();
}

// The array that feeds `input`: by the mapping, or by name.
std::optional<std::string> ArrayFor(const std::string& input, const Arrays& arrays,
                                    const ArrayDataSetOptions& options) {
  for (const auto& [array, mapped] : options.inputs) {
    if (mapped == input) return array;
  }
  if (arrays.contains(input) || options.unusable.contains(input)) return input;
  return std::nullopt;
}

Status CheckMapping(std::span<const TensorSpec> model_inputs, const ArrayDataSetOptions& options) {
  std::vector<std::string> names = InputNames(model_inputs);
  for (const auto& [array, input] : options.inputs) {
    if (std::find(names.begin(), names.end(), input) == names.end()) {
      return InvalidArgument(fmt::format("{} '{}' is to feed '{}', but the model's inputs are {}", options.noun,
                                         Excerpt(array), Excerpt(input), ListNames(names)),
                             "MISSING_COLUMN", "columns.inputs");
    }
  }
  return OkStatus();
}

// The first of the usual names that no input asks for; `labels` holds the labels even then. Empty: none.
std::string GuessLabels(const Arrays& arrays, std::span<const TensorSpec> model_inputs,
                        const ArrayDataSetOptions& options) {
  std::vector<std::string> inputs = InputNames(model_inputs);
  for (std::string_view candidate : kLabelNames) {
    std::string name(candidate);
    if (!arrays.contains(name) && !options.unusable.contains(name)) continue;
    bool feeds = options.inputs.contains(name) || std::find(inputs.begin(), inputs.end(), name) != inputs.end();
    if (!feeds || candidate == kLabelNames[0]) return name;
  }
  return "";
}

Status Missing(const std::string& array, std::string_view purpose, const Arrays& arrays,
               const ArrayDataSetOptions& options) {
  auto unusable = options.unusable.find(array);
  if (unusable != options.unusable.end()) {
    return unusable->second.WithContext(fmt::format("{} '{}'", options.noun, Excerpt(array)));
  }
  return InvalidArgument(
      fmt::format("no {} '{}' {}; the data set has {}", options.noun, Excerpt(array), purpose, ListArrays(arrays)),
      "MISSING_COLUMN");
}

// Copies the rows, and the last one again until there are `batch`.
struct GatherPlan {
  std::string_view noun;
  const std::string& array;
  const Tensor& data;
  DType dtype;
  int64_t batch;
};

Status BadElement(const GatherPlan& plan, int64_t row, size_t element, std::string_view what, std::string_view reason) {
  return InvalidArgument(
      fmt::format("{} '{}', row {}, element {}: {}", plan.noun, Excerpt(plan.array), row, element, what),
      std::string(reason));
}

Result<Tensor> Gather(const GatherPlan& plan, std::span<const int64_t> rows) {
  Shape shape = plan.data.shape();
  shape[0] = plan.batch;
  Tensor out(plan.dtype, shape);
  size_t a_row = static_cast<size_t>(plan.data.count() / plan.data.shape()[0]);
  size_t in_bytes = a_row * DTypeSize(plan.data.dtype());
  size_t out_bytes = a_row * DTypeSize(plan.dtype);
  auto* to = static_cast<std::byte*>(out.mutable_data());
  for (size_t i = 0; i < static_cast<size_t>(plan.batch); ++i) {
    if (i >= rows.size()) {
      std::memcpy(to + i * out_bytes, to + (rows.size() - 1) * out_bytes, out_bytes);
      continue;
    }
    const std::byte* from = static_cast<const std::byte*>(plan.data.data()) + static_cast<size_t>(rows[i]) * in_bytes;
    if (std::optional<size_t> bad = FindNonFinite(from, plan.data.dtype(), a_row)) {
      return BadElement(plan, rows[i], *bad, "the value is NaN or infinite", "NON_FINITE_VALUE");
    }
    if (std::optional<size_t> bad = ConvertElements(from, plan.data.dtype(), a_row, to + i * out_bytes, plan.dtype)) {
      return BadElement(
          plan, rows[i], *bad,
          fmt::format("the value of {} does not fit into {}", DTypeName(plan.data.dtype()), DTypeName(plan.dtype)),
          "VALUE_OUT_OF_RANGE");
    }
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<DataSet>> ArrayDataSet::Create(const Arrays& arrays, std::span<const TensorSpec> model_inputs,
                                                      const ArrayDataSetOptions& options) {
  std::unique_ptr<ArrayDataSet> set(new ArrayDataSet(options.noun));
  set->guesses_ = options.guesses;
  set->mapped_ = options.mapped;
  NS_ASSIGN_OR_RETURN(set->fixed_batch_, FixedBatch(model_inputs));
  NS_RETURN_IF_ERROR(CheckMapping(model_inputs, options));
  NS_RETURN_IF_ERROR(set->BindLabels(arrays, model_inputs, options));
  NS_RETURN_IF_ERROR(set->BindInputs(arrays, model_inputs, options));
  NS_RETURN_IF_ERROR(set->CheckRows());
  set->rows_ = set->feeds_.front().data.shape()[0];
  set->NoteUnused(arrays, options);
  return std::unique_ptr<DataSet>(std::move(set));
}

Status ArrayDataSet::BindLabels(const Arrays& arrays, std::span<const TensorSpec> model_inputs,
                                const ArrayDataSetOptions& options) {
  std::string name = options.label;
  if (name.empty()) {
    name = GuessLabels(arrays, model_inputs, options);
    if (!name.empty() && name != kLabelNames[0]) {
      guesses_.push_back(fmt::format("{} '{}' taken as the labels", noun_, name));
    }
  }
  if (name.empty()) {
    if (options.labels == DataSetOptions::Labels::kOptional) return OkStatus();
    return InvalidArgument(
        fmt::format("the data set has no labels: {} 'labels' is needed; it has {}", noun_, ListArrays(arrays)),
        "NO_LABELS");
  }
  auto found = arrays.find(name);
  if (found == arrays.end()) return Missing(name, "with the labels", arrays, options);
  NS_RETURN_IF_ERROR(CheckArray(noun_, name, found->second));
  DType from = found->second.dtype();
  DType to = ConversionOf(from, DType::kInt64) == Conversion::kImpossible ? DType::kFloat : DType::kInt64;
  labels_ = Feed{name, "", to, found->second};
  return OkStatus();
}

Status ArrayDataSet::BindInputs(const Arrays& arrays, std::span<const TensorSpec> model_inputs,
                                const ArrayDataSetOptions& options) {
  if (model_inputs.empty()) return InvalidArgument("the model has no inputs", "MISSING_COLUMN");
  for (const TensorSpec& input : model_inputs) {
    std::optional<std::string> name = ArrayFor(input.name, arrays, options);
    if (!name && model_inputs.size() == 1 && arrays.size() == (labels_ ? 2 : 1)) {
      auto only = std::find_if(arrays.begin(), arrays.end(),
                               [&](const auto& entry) { return !labels_ || entry.first != labels_->array; });
      if (only != arrays.end()) {
        name = only->first;
        guesses_.push_back(
            fmt::format("{} '{}', the only one, feeds the model's input '{}'", noun_, Excerpt(*name), input.name));
      }
    }
    std::string wanted = name.value_or(input.name);
    auto found = arrays.find(wanted);
    if (found == arrays.end()) {
      return Missing(wanted, fmt::format("for the model's input '{}' ({})", input.name, DescribeInput(input)), arrays,
                     options);
    }
    NS_RETURN_IF_ERROR(AddFeed(wanted, found->second, input));
  }
  return OkStatus();
}

Status ArrayDataSet::AddFeed(const std::string& array, const Tensor& data, const TensorSpec& input) {
  NS_RETURN_IF_ERROR(CheckArray(noun_, array, data));
  auto mismatch = [&](std::string_view what, std::string_view reason) {
    return InvalidArgument(fmt::format("{} can't feed the model's input '{}' ({}): {}", Describe(noun_, array, data),
                                       input.name, DescribeInput(input), what),
                           std::string(reason));
  };
  if (!ShapeFits(data.shape(), input)) return mismatch("the shapes differ", "SHAPE_MISMATCH");
  Conversion conversion = ConversionOf(data.dtype(), input.dtype);
  if (conversion == Conversion::kImpossible) return mismatch("the types do not convert without loss", "DTYPE_MISMATCH");
  if (conversion != Conversion::kSame) {
    guesses_.push_back(fmt::format("{} '{}' converted from {} to {}{}", noun_, Excerpt(array), DTypeName(data.dtype()),
                                   DTypeName(input.dtype), conversion == Conversion::kRounded ? ", rounded" : ""));
  }
  feeds_.push_back(Feed{array, input.name, input.dtype, data});
  return OkStatus();
}

Status ArrayDataSet::CheckRows() const {
  const Feed& first = feeds_.front();
  auto check = [&](const Feed& other) {
    if (other.data.shape()[0] == first.data.shape()[0]) return OkStatus();
    return InvalidArgument(
        fmt::format("{} and {} have different numbers of rows", Describe(noun_, first.array, first.data),
                    Describe(noun_, other.array, other.data)),
        "ROW_COUNT_MISMATCH");
  };
  for (const Feed& feed : feeds_) NS_RETURN_IF_ERROR(check(feed));
  return labels_ ? check(*labels_) : OkStatus();
}

void ArrayDataSet::NoteUnused(const Arrays& arrays, const ArrayDataSetOptions& options) {
  std::vector<std::string> unused;
  auto is_used = [&](const std::string& name) {
    return (labels_ && labels_->array == name) ||
           std::any_of(feeds_.begin(), feeds_.end(), [&](const Feed& feed) { return feed.array == name; });
  };
  for (const auto& [name, array] : arrays) {
    if (!is_used(name)) unused.push_back(name);
  }
  for (const auto& [name, status] : options.unusable) unused.push_back(name);
  if (!unused.empty()) guesses_.push_back(fmt::format("not used: {}", ListNames(unused)));
}

Result<Batch> ArrayDataSet::Read(std::span<const int64_t> rows) const {
  NS_RETURN_IF_ERROR(CheckRowsAsked(rows, rows_, fixed_batch_));
  Batch batch;
  batch.rows.assign(rows.begin(), rows.end());
  auto count = static_cast<int64_t>(rows.size());
  for (const Feed& feed : feeds_) {
    NS_ASSIGN_OR_RETURN(Tensor tensor,
                        Gather({noun_, feed.array, feed.data, feed.dtype, fixed_batch_.value_or(count)}, rows));
    batch.inputs.emplace(feed.input, std::move(tensor));
  }
  if (labels_) {
    NS_ASSIGN_OR_RETURN(batch.labels, Gather({noun_, labels_->array, labels_->data, labels_->dtype, count}, rows));
  }
  if (mapped_ != nullptr) mapped_->DropPages();
  return batch;
}

}  // namespace ns
