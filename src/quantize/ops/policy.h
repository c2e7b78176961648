// What ONNX Runtime's integer kernels can do with each operator type, and so what quantization does with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph_index.h"
#include "graph/model.h"
#include "quantize/config.h"

namespace ns {

// How an operator takes part.
enum class OpRole {
  kNone,         // float always
  kConvolution,  // integer kernel with integer output (QLinearConv): its output is quantized wherever it goes
  kMatMul,       // integer kernel with float output (MatMulIntegerToFloat, QGemm): only its inputs are quantized
  kEmbedding,    // a table that is looked up: its weight alone is quantized
  kElementwise,  // integer kernel that pays only between integer neighbours: Add, Mul, AveragePool, Concat, ...
  kActivation,   // Relu and Clip: vanish into the quantization of what they follow, else like kElementwise
  kPassThrough,  // moves elements only: integers pass with the same scale: Reshape, MaxPool, ...
};

struct OpTraits {
  OpRole role = OpRole::kNone;
  std::vector<int> activations;     // positions of the float inputs that are computed, not constant
  int weight = -1;                  // position of the constant weight
  int bias = -1;                    // position of the constant bias; -1: none
  std::optional<int> channel_axis;  // of the weight: its output channels
  bool can_static = false;
  bool can_dynamic = false;
  bool can_weight_only = false;     // a kernel of ONNX Runtime reads the int8 weight as it is (MatMulNBits)
  bool can_weight_only_int4 = false;  // the same kernel reads it in blocks of 4 bits
  bool two_activations = false;     // a product of two computed tensors: no weight
  std::string why_not;              // for operators that compute on floats but stay so: the reason, for people
};

// The traits of `node` in this model. Reads attributes and the presence, type and rank of weights.
OpTraits TraitsOf(const ns_onnx::NodeProto& node, const Model& model, const GraphIndex& index);

}  // namespace ns
