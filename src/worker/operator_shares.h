// What part of a run each operator of a quantized model takes.
#pragma once

#include <map>
#include <span>
#include <string>

#include "quantize/quantizer.h"
#include "runtime/profile.h"

namespace ns {

// By operator name, 0 to 1 of the time of all nodes: the nodes that ONNX Runtime made of the operator, known by the names that quantization
// and ONNX Runtime give them. An operator that it merged into another is not there, nor what is no operator of `decisions` (Softmax, packing
// of values, ...), so the shares add up to less than 1. `prepared` is the graph that the decisions are about.
std::map<std::string, double> OperatorShares(std::span<const NodeTime> nodes, std::span<const OperatorDecision> decisions,
                                             const ns_onnx::GraphProto& prepared);

}  // namespace ns
