// onnx's checker on a structure whose big weights are elsewhere.
#pragma once

#include "base/status.h"
#include "onnx/onnx_pb.h"

namespace ns {

// Operators known to the opset with their attributes, values defined before use, single assignment, tensors well-formed. Operators of other
// domains are not looked into. InvalidArgument (INVALID_MODEL) with the checker's words, on one line.
Status CheckStructure(const ns_onnx::ModelProto& proto);

// The names of nodes and values are UTF-8: recipes and reports can hold no others. InvalidArgument (INVALID_MODEL) shows the one that isn't.
Status CheckNames(const ns_onnx::GraphProto& graph);

// The text of a library's exception, line breaks and runs of blanks made one blank, at most `limit` bytes.
std::string OneLine(std::string_view text, size_t limit = 600);

}  // namespace ns
