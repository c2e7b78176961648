#include "data/metrics/regression.h"

#include <cmath>

#include "data/metrics/class_scores.h"

namespace ns {

namespace {

Result<std::vector<double>> Numbers(const TensorView& tensor, int64_t count, std::string_view what) {
  if (tensor.dtype == DType::kDouble) {
    const auto* data = static_cast<const double*>(tensor.data);
    return std::vector<double>(data, data + count);
  }
  Result<std::vector<float>> floats = ReadFloats(tensor, count, what);
  if (floats.ok()) return std::vector<double>(floats->begin(), floats->end());
  NS_ASSIGN_OR_RETURN(std::vector<int64_t> integers, ReadIntegers(tensor, count, what));
  return std::vector<double>(integers.begin(), integers.end());
}

}  // namespace

Result<RegressionPairs> MatchRegression(const TensorView& output, const TensorView& target) {
  auto a_row = [](const TensorView& tensor) { return ElementCount(std::span(tensor.shape).subspan(1)); };
  if (output.shape.empty() || target.shape.empty() || output.shape[0] < target.shape[0] ||
      a_row(output) != a_row(target)) {
    return InvalidArgument(fmt::format("output {} and labels {} do not fit: as many numbers a row are needed",
                                       ShapeToString(output.shape), ShapeToString(target.shape)),
                           "SHAPE_MISMATCH");
  }
  RegressionPairs pairs;
  pairs.rows = target.shape[0];
  pairs.per_row = a_row(target);
  int64_t count = pairs.rows * pairs.per_row;
  NS_ASSIGN_OR_RETURN(pairs.output, Numbers(output, count, "the output"));
  NS_ASSIGN_OR_RETURN(pairs.target, Numbers(target, count, "the label tensor"));
  for (size_t i = 0; i < pairs.output.size(); ++i) {
    if (!std::isfinite(pairs.output[i]) || !std::isfinite(pairs.target[i])) {
      return InvalidArgument(
          fmt::format("the model's {} for row {} of the batch is NaN or infinite",
                      std::isfinite(pairs.output[i]) ? "label" : "output", static_cast<int64_t>(i) / pairs.per_row),
          "NON_FINITE_OUTPUT");
    }
  }
  return pairs;
}

}  // namespace ns
