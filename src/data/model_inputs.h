// What a model's inputs ask of a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace ns {

// The batch size that the inputs fix on axis 0; none where it is free. InvalidArgument (SHAPE_MISMATCH): they fix
// different ones or none a data set can fill (0, more than 65536), or an input has no axis at all and so can't take
// rows.
Result<std::optional<int64_t>> FixedBatch(std::span<const TensorSpec> inputs);

std::vector<std::string> InputNames(std::span<const TensorSpec> inputs);

// "float32 [?,3,224,224]"
std::string DescribeInput(const TensorSpec& input);

// Checks the rows of a Read() as DataSet::Read() says: NO_ROWS, BATCH_TOO_LARGE, ROW_OUT_OF_RANGE.
Status CheckRowsAsked(std::span<const int64_t> asked, int64_t rows, std::optional<int64_t> fixed_batch);

}  // namespace ns
