#include "data/model_inputs.h"

namespace ns {

namespace {

constexpr int64_t kMaxFixedBatch = 1 << 16;

}  // namespace

Result<std::optional<int64_t>> FixedBatch(std::span<const TensorSpec> inputs) {
  std::optional<int64_t> fixed;
  std::string who;
  for (const TensorSpec& input : inputs) {
    if (!input.has_shape) continue;
    if (input.shape.empty()) {
      return InvalidArgument(
          fmt::format("the model's input '{}' is a scalar: it has no axis for rows, so no data set can feed it",
                      input.name),
          "SHAPE_MISMATCH");
    }
    if (input.shape[0] < 0) continue;
    if (input.shape[0] == 0 || input.shape[0] > kMaxFixedBatch) {
      return InvalidArgument(
          fmt::format("the model's input '{}' has a fixed batch size of {}", input.name, input.shape[0]),
          "SHAPE_MISMATCH");
    }
    if (fixed && *fixed != input.shape[0]) {
      return InvalidArgument(fmt::format("the model's inputs '{}' and '{}' have different fixed batch sizes, {} and {}",
                                         who, input.name, *fixed, input.shape[0]),
                             "SHAPE_MISMATCH");
    }
    fixed = input.shape[0];
    who = input.name;
  }
  return fixed;
}

std::vector<std::string> InputNames(std::span<const TensorSpec> inputs) {
  std::vector<std::string> names;
  for (const TensorSpec& input : inputs) names.push_back(input.name);
  return names;
}

std::string DescribeInput(const TensorSpec& input) {
  return fmt::format("{} {}", DTypeName(input.dtype), input.has_shape ? ShapeToString(input.shape) : "of any shape");
}

Status CheckRowsAsked(std::span<const int64_t> asked, int64_t rows, std::optional<int64_t> fixed_batch) {
  if (asked.empty()) return InvalidArgument("a batch of no rows was asked for", "NO_ROWS");
  if (fixed_batch && asked.size() > static_cast<size_t>(*fixed_batch)) {
    return InvalidArgument(
        fmt::format("a batch of {} rows was asked for, the model takes {} at a time", asked.size(), *fixed_batch),
        "BATCH_TOO_LARGE");
  }
  for (int64_t row : asked) {
    if (row < 0 || row >= rows) {
      return Status(StatusCode::kOutOfRange, fmt::format("row {} was asked for, the data set has {}", row, rows),
                    "ROW_OUT_OF_RANGE");
    }
  }
  return OkStatus();
}

}  // namespace ns
