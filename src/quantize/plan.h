// Which operators of a model compute on integers under a configuration, which edges are quantized for that, and whose range each
// quantized edge uses. Decided before anything is rewritten or measured.
//
// Edges are quantized one by one: a value that a float operator makes keeps its float form for float readers, and each integer reader
// gets a Q/DQ pair of its own on its input. So a residual stream isn't quantized because a MatMul reads it. Where integer operators follow
// each other (Conv, Add, pools, Concat of a CNN) the value stays integer: one Q behind its producer, a DQ before each reader, which ONNX
// Runtime fuses into integer kernels.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph_index.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/ops/policy.h"

namespace ns {

struct NodePlan {
  OpTraits traits;
  OpMode mode = OpMode::kFloat;
  bool integer_output = false;  // static: its first output is quantized
  // static, position of the Relu or Clip that follows and whose output is quantized in place of this one's; -1: none
  int absorbed_by = -1;
  // static, a product of its own: position of the Add that alone reads its output and adds a constant vector, its bias; -1: none
  int bias_add = -1;
  std::string why;
};

struct Plan {
  std::vector<NodePlan> nodes;  // as graph.node()
  // Quantized values, and the value whose range each uses: its own, or, behind operators that only move elements, their input's.
  std::unordered_map<std::string, std::string> range_of;
};

// Every operator that could be static is planned as such where `config` asks for it.
Plan MakePlan(const Model& model, const GraphIndex& index, const QuantConfig& config);

}  // namespace ns
