// Rewrites a model of opset 11 or 12 for opset 13, the first whose QuantizeLinear and DequantizeLinear have an axis.
#pragma once

#include "passes/pass.h"

namespace ns {

// What changed meaning between 11 and 13 (onnx's changelog), in subgraphs too; all else only gained types:
//  - Dropout (12): ratio moves from an attribute to an input;
//  - ReduceSum, Squeeze, Unsqueeze (13): axes move from an attribute to an input;
//  - Split (13): split moves from an attribute to an input;
//  - Softmax, LogSoftmax, Hardmax (13): axis meant "flatten from there on", default 1, and means one axis, default -1. Where it is not known
//    to be the last axis, the flattening becomes nodes: Shape, Flatten, Softmax, Reshape.
// Our own and not onnx's version converter, which loses metadata and subgraph details on its way through another representation.
// Models of opset 13 and later are left alone. Unimplemented (OPSET_FUNCTIONS): a model with functions of its own at opset 11 or 12.
class UpgradeOpset final : public Pass {
 public:
  std::string_view name() const override { return "upgrade-opset"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
