// Which operators of a model compute on integers under a configuration, which edges are quantized for that, and whose range each
// quantized edge uses. Decided before anything is rewritten or measured.
//
// Edges are quantized one by one: a value that a float operator makes keeps its float form for float readers, and each integer reader
// gets a Q/DQ pair of its own on its input. So a residual stream isn't quantized because a MatMul reads it. Where integer operators follow
// each other (Conv, Add, pools, Concat of a CNN) the value stays integer: one Q behind its producer, a DQ before each reader, which ONNX
// Runtime fuses into integer kernels.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph_index.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/ops/policy.h"
#include "quantize/params.h"
#include "quantize/range_id.h"

namespace ns {

struct NodePlan {
  OpTraits traits;
  OpConfig config;              // how it is to be treated, if it can
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
  // Values that leave an integer operator as integers, with the one range that they have for all readers: by that operator's calibration
  // method, or, behind operators that only move elements, their input's.
  std::unordered_map<std::string, RangeId> made;
  std::set<RangeId> ranges;  // all that are used

  // The range of `value` for a static reader: the one it was made with, else, from a float operator or a model input, by the reader's own
  // method, so that readers of different methods have Q/DQ pairs of their own.
  RangeId Read(const std::string& value, const NodePlan& reader) const;
};

// How the operator's weight is rounded, on the axis of its channels. `min_scale`: one a channel, or empty.
WeightOptions WeightOptionsOf(const NodePlan& node, const QuantConfig& config, const std::vector<float>& min_scale);

// Every operator that could be static is planned as such where `config` asks for it.
Plan MakePlan(const Model& model, const GraphIndex& index, const QuantConfig& config);

}  // namespace ns
