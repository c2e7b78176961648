// A model as onnx's text form, for tests and dumps. Big weights are shown by type and shape only.
#pragma once

#include <string>

#include "graph/model.h"

namespace ns {

std::string ToText(const Model& model);
// One line a node: "y = Add (x, w)", attributes left out. What tests of rewrites compare.
std::string NodesToText(const ns_onnx::GraphProto& graph);

}  // namespace ns
