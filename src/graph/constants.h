// Constant nodes as tensors.
#pragma once

#include <optional>

#include "onnx/onnx_pb.h"

namespace ns {

// The value of a Constant node of the default domain, moved out of it (the node is then no longer usable). None for other nodes and for
// constants that hold strings or a sparse tensor. Attributes: value, value_float(s), value_int(s) of onnx's operator Constant.
std::optional<ns_onnx::TensorProto> TakeConstant(ns_onnx::NodeProto& node);

}  // namespace ns
