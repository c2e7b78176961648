// Reads a serialized onnx.ModelProto without its big tensors: the structure is copied, the tensors' bytes stay where they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace ns {

struct ReducedModel {
  // A serialized ModelProto. Each tensor that was taken out has data_location EXTERNAL and the location "#i".
  std::string structure;
  // The bytes of tensor "#i", in the caller's memory.
  std::vector<std::span<const std::byte>> tensors;
};

// Takes out raw_data, float_data (of float tensors) and double_data (of double tensors) with `least_bytes` or more: of the main graph's
// initializers and of its nodes' tensor attributes (Constant).
// InvalidArgument: TRUNCATED_MODEL when the outermost message goes on after the end, NOT_ONNX when it is no protobuf message;
// ResourceExhausted (MODEL_TOO_LARGE) when the structure has more than `max_structure_bytes`. Messages have no file name: add it.
Result<ReducedModel> ReduceModel(std::span<const std::byte> file, size_t least_bytes, uint64_t max_structure_bytes);

}  // namespace ns
