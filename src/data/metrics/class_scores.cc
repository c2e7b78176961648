#include "data/metrics/class_scores.h"

#include <algorithm>
#include <cmath>

#include "data/float16.h"

namespace ns {

namespace {

template <typename From, typename To, typename Convert>
std::vector<To> Converted(const TensorView& tensor, int64_t count, Convert convert) {
  std::vector<To> out(static_cast<size_t>(count));
  const auto* data = static_cast<const From*>(tensor.data);
  std::transform(data, data + count, out.begin(), convert);
  return out;
}

template <typename From>
std::vector<int64_t> Integers(const TensorView& tensor, int64_t count) {
  return Converted<From, int64_t>(tensor, count, [](From value) { return static_cast<int64_t>(value); });
}

bool IsInteger(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kUint8:
    case DType::kInt16:
    case DType::kUint16:
    case DType::kInt32:
    case DType::kUint32:
    case DType::kInt64:
    case DType::kBool: return true;
    default: return false;
  }
}

Shape WithoutLastOne(Shape shape) {
  if (shape.size() > 1 && shape.back() == 1) shape.pop_back();
  return shape;
}

// Whether `output` is [M, rest of `labels`], M at least the labels' rows.
bool SameButMoreRows(const Shape& output, const Shape& labels) {
  return !output.empty() && output.size() == labels.size() && output[0] >= labels[0] &&
         std::equal(output.begin() + 1, output.end(), labels.begin() + 1);
}

}  // namespace

Result<std::vector<float>> ReadFloats(const TensorView& tensor, int64_t count, std::string_view what) {
  switch (tensor.dtype) {
    case DType::kFloat: return Converted<float, float>(tensor, count, [](float v) { return v; });
    case DType::kDouble: return Converted<double, float>(tensor, count, [](double v) { return static_cast<float>(v); });
    case DType::kFloat16: return Converted<uint16_t, float>(tensor, count, HalfToFloat);
    case DType::kBfloat16: return Converted<uint16_t, float>(tensor, count, BfloatToFloat);
    default: break;
  }
  return InvalidArgument(fmt::format("{} is {}, floating point numbers are needed", what, DTypeName(tensor.dtype)),
                         "DTYPE_MISMATCH");
}

Result<std::vector<int64_t>> ReadIntegers(const TensorView& tensor, int64_t count, std::string_view what) {
  switch (tensor.dtype) {
    case DType::kInt8: return Integers<int8_t>(tensor, count);
    case DType::kUint8: return Integers<uint8_t>(tensor, count);
    case DType::kInt16: return Integers<int16_t>(tensor, count);
    case DType::kUint16: return Integers<uint16_t>(tensor, count);
    case DType::kInt32: return Integers<int32_t>(tensor, count);
    case DType::kUint32: return Integers<uint32_t>(tensor, count);
    case DType::kInt64: return Integers<int64_t>(tensor, count);
    case DType::kBool: return Integers<uint8_t>(tensor, count);
    default: break;
  }
  NS_ASSIGN_OR_RETURN(std::vector<float> floats, ReadFloats(tensor, count, what));
  std::vector<int64_t> out(floats.size());
  for (size_t i = 0; i < floats.size(); ++i) {
    if (!(std::fabs(floats[i]) < 1e15f) || floats[i] != std::trunc(floats[i])) {
      return InvalidArgument(fmt::format("{} holds {}, whole numbers are needed", what, floats[i]), "BAD_VALUE");
    }
    out[i] = static_cast<int64_t>(floats[i]);
  }
  return out;
}

int64_t ArgMax(std::span<const float> scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

Result<ClassPredictions> ClassPredictions::Match(const TensorView& output, const TensorView& labels,
                                                 int64_t ignore_label) {
  ClassPredictions match;
  match.ignore_label_ = ignore_label;
  if (labels.shape.empty() || output.shape.empty()) {
    return InvalidArgument(fmt::format("output {} and labels {}: both need an axis of rows",
                                       ShapeToString(output.shape), ShapeToString(labels.shape)),
                           "SHAPE_MISMATCH");
  }
  match.rows_ = labels.shape[0];
  match.positions_ = ElementCount(std::span(labels.shape).subspan(1));
  NS_ASSIGN_OR_RETURN(match.labels_, ReadIntegers(labels, labels.count(), "the label tensor"));
  NS_RETURN_IF_ERROR(match.ReadOutput(output, labels));
  NS_RETURN_IF_ERROR(match.CheckLabels());
  NS_RETURN_IF_ERROR(match.CheckScores());
  return match;
}

Status ClassPredictions::ReadOutput(const TensorView& output, const TensorView& labels) {
  Shape wanted = WithoutLastOne(labels.shape);
  int64_t count = rows_ * positions_;
  if (IsInteger(output.dtype) && SameButMoreRows(WithoutLastOne(output.shape), wanted)) {
    NS_ASSIGN_OR_RETURN(predicted_, ReadIntegers(output, count, "the output"));
    return OkStatus();
  }
  Shape without_classes(output.shape.begin(), output.shape.end() - 1);
  bool fits = SameButMoreRows(without_classes, labels.shape) || SameButMoreRows(without_classes, wanted);
  if (without_classes.empty() || !fits) {
    return InvalidArgument(
        fmt::format("output {} and labels {} do not fit: the output needs the labels' axes and one of class scores",
                    ShapeToString(output.shape), ShapeToString(labels.shape)),
        "SHAPE_MISMATCH");
  }
  classes_ = output.shape.back();
  if (classes_ < 2) {
    return InvalidArgument(
        fmt::format("output {} has {} class scores a row, at least 2 are needed (a regression is measured by mse, mae, "
                    "pearson or spearman)",
                    ShapeToString(output.shape), classes_),
        "SHAPE_MISMATCH");
  }
  if (output.dtype == DType::kFloat) {
    scores_ = static_cast<const float*>(output.data);
    return OkStatus();
  }
  NS_ASSIGN_OR_RETURN(converted_, ReadFloats(output, count * classes_, "the output"));
  return OkStatus();
}

Status ClassPredictions::CheckLabels() const {
  for (size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] == ignore_label_) continue;
    if (labels_[i] < 0 || (classes_ > 0 && labels_[i] >= classes_)) {
      return InvalidArgument(fmt::format("label {} in row {} of the batch is not one of the output's {} classes",
                                         labels_[i], static_cast<int64_t>(i) / positions_, classes_),
                             "LABEL_OUT_OF_RANGE");
    }
  }
  return OkStatus();
}

Status ClassPredictions::CheckScores() const {
  if (classes_ == 0) return OkStatus();
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t position = 0; position < positions_; ++position) {
      if (!counts(row, position)) continue;
      std::span<const float> values = scores(row, position);
      // An infinity is a legitimate score (a masked class); NaN is not.
      if (std::any_of(values.begin(), values.end(), [](float v) { return std::isnan(v); })) {
        return InvalidArgument(fmt::format("the model's output for row {} of the batch is NaN", row),
                               "NON_FINITE_OUTPUT");
      }
    }
  }
  return OkStatus();
}

int64_t ClassPredictions::predicted(int64_t row, int64_t position) const {
  return classes_ == 0 ? predicted_[Index(row, position)] : ArgMax(scores(row, position));
}

std::span<const float> ClassPredictions::scores(int64_t row, int64_t position) const {
  NS_CHECK(classes_ > 0, "the output holds classes, not scores");
  const float* all = scores_ != nullptr ? scores_ : converted_.data();
  return {all + Index(row, position) * static_cast<size_t>(classes_), static_cast<size_t>(classes_)};
}

}  // namespace ns
