#include "data/metrics/agreement.h"

#include <algorithm>
#include <cmath>

#include "data/metrics/class_scores.h"

namespace ns {

namespace {

// Classes of the first `rows` rows: the highest score along the last axis.
Result<std::vector<int64_t>> Classes(const TensorView& scores, int64_t rows, std::string_view what) {
  int64_t classes = scores.shape.back();
  int64_t a_row = ElementCount(std::span(scores.shape).subspan(1));
  NS_ASSIGN_OR_RETURN(std::vector<float> values, ReadFloats(scores, rows * a_row, what));
  std::vector<int64_t> chosen;
  for (size_t at = 0; at < values.size(); at += static_cast<size_t>(classes)) {
    auto position = std::span(values).subspan(at, static_cast<size_t>(classes));
    if (std::any_of(position.begin(), position.end(), [](float v) { return std::isnan(v); })) {
      return InvalidArgument(fmt::format("{} for row {} of the batch is NaN", what, static_cast<int64_t>(at) / a_row),
                             "NON_FINITE_OUTPUT");
    }
    chosen.push_back(ArgMax(position));
  }
  return chosen;
}

bool IsFloat(DType dtype) {
  return dtype == DType::kFloat || dtype == DType::kDouble || dtype == DType::kFloat16 || dtype == DType::kBfloat16;
}

}  // namespace

Result<std::vector<RowScore>> AgreementMetric::Score(const TensorView& output, const TensorView& target) const {
  bool fits = !output.shape.empty() && output.shape.size() == target.shape.size() &&
              output.shape[0] >= target.shape[0] &&
              std::equal(output.shape.begin() + 1, output.shape.end(), target.shape.begin() + 1);
  if (!fits || output.count() == 0 || (IsFloat(output.dtype) && (output.shape.size() < 2 || output.shape.back() < 2))) {
    return InvalidArgument(
        fmt::format("output {} and the fp32 model's output {}: the same shape with at least 2 class scores is needed",
                    ShapeToString(output.shape), ShapeToString(target.shape)),
        "SHAPE_MISMATCH");
  }
  int64_t rows = target.shape[0];
  std::vector<int64_t> ours;
  std::vector<int64_t> theirs;
  if (IsFloat(output.dtype)) {
    NS_ASSIGN_OR_RETURN(ours, Classes(output, rows, "the model's output"));
    NS_ASSIGN_OR_RETURN(theirs, Classes(target, rows, "the fp32 model's output"));
  } else {
    NS_ASSIGN_OR_RETURN(ours, ReadIntegers(output, target.count(), "the model's output"));
    NS_ASSIGN_OR_RETURN(theirs, ReadIntegers(target, target.count(), "the fp32 model's output"));
  }
  std::vector<RowScore> scores(static_cast<size_t>(rows), RowScore{0, 0});
  size_t positions = rows == 0 ? 0 : ours.size() / static_cast<size_t>(rows);
  for (size_t i = 0; i < ours.size(); ++i) {
    scores[i / positions].weight += 1;
    if (ours[i] == theirs[i]) scores[i / positions].sum += 1;
  }
  return scores;
}

}  // namespace ns
