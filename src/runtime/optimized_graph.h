// What ONNX Runtime made of a model: the operators in the graph it really runs.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/status.h"
#include "runtime/session.h"

namespace ns {

// Number of nodes by operator: "Conv" for the default domain, "com.microsoft.QLinearAdd" for others.
using OperatorCounts = std::map<std::string, int>;

// Of a file that SessionOptions::save_optimized_to named. Errors as Model::Load().
Result<OperatorCounts> CountOperators(const std::filesystem::path& optimized_model);
OperatorCounts CountOperators(const ns_onnx::GraphProto& graph);

// Loads the model with `options`, and counts what ONNX Runtime made of it. Costs a load; writes a temporary file.
Result<OperatorCounts> OptimizedOperators(const Model& model, SessionOptions options = {});

}  // namespace ns
