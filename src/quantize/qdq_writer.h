// Writes the nodes of quantization into a graph: Q/DQ pairs, integer weights, and the operators of dynamic quantization. The building
// blocks; which of them go where is QdqInserter's and Twins' business.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "graph/model.h"
#include "quantize/config.h"
#include "quantize/params.h"
#include "quantize/plan.h"

namespace ns {

// Quantization of activations, by the range that they cover (Plan::ranges).
using ActivationParams = std::map<RangeId, QuantParams>;

// Nodes are written in an order that is topological when the caller's calls are.
class QdqWriter {
 public:
  // Writes into `model`, which keeps its old nodes until Finish().
  QdqWriter(Model& model, const Plan& plan, const ActivationParams& params, const QuantConfig& config)
      : model_(model), plan_(plan), params_(params), config_(config) {}

  // Appends a node and returns it. An empty `name` takes the type's.
  ns_onnx::NodeProto* Emit(std::string_view type, std::vector<std::string> inputs, std::vector<std::string> outputs,
                           std::string_view name = "");
  ns_onnx::NodeProto* EmitCopy(const ns_onnx::NodeProto& node);

  // The integers of `value` over `range`; its float form is `source` (usually the same name): one Q for each range, made at the first
  // call. Internal (NO_RANGE) when there are no parameters for the range.
  Result<std::string> Quantized(const std::string& value, const RangeId& range, const std::string& source);
  // A new DQ of those integers; its output is `output`, or a new name.
  Result<std::string> Dequantized(const std::string& value, const RangeId& range, const std::string& source, std::string output = "");

  // Rewires `node`, a copy of the node planned by `plan`, to integers: a DQ before each activation (but those in `as_is`), before the
  // weight and before the bias. `original` is the node as in the prepared model.
  // `later_bias`: a vector that an operator behind adds, or "". It becomes int32 in units of the product's sums; its DQ is returned.
  Result<std::string> MakeStatic(const ns_onnx::NodeProto& original, const NodePlan& plan, std::span<const int> as_is,
                                 ns_onnx::NodeProto* node, const std::string& later_bias = "");
  // A float vector as [1, 1, N]: the new weight's name.
  Result<std::string> WidenedBias(const std::string& bias);
  // Writes `original` as DynamicQuantizeLinear, MatMulInteger and the scaling back, reading `input` and making `output`.
  Status EmitDynamic(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& input, const std::string& output);
  // Gives `node`, a copy of `original`, its weight as int8 with a DQ, which ONNX Runtime takes into the kernel.
  Status UnpackWeight(const ns_onnx::NodeProto& original, const NodePlan& plan, ns_onnx::NodeProto* node);
  // Writes `original`, a product, as MatMulNBits on a weight in blocks of 4 bits, reading `input` and making `output`.
  Status EmitBlocks(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& input, const std::string& output);
  // Writes a lookup in an int8 table, making `output`.
  Status EmitEmbedding(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& output);

  // Puts the written nodes in place of the model's, and drops weights that nothing uses any more.
  void Finish();

 private:
  struct WeightNames {
    std::string values, scale, zero_point;
    std::vector<float> scales;
    std::optional<int> axis;
  };
  struct BlockNames {
    std::string values, scales, zero_points;
    int64_t inputs = 0, outputs = 0;
  };
  struct DynamicNames {
    std::string values, scale, zero_point;
  };

  Result<WeightNames> IntegerWeight(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::vector<float>& min_scale,
                                    bool transposed);
  Result<BlockNames> BlocksOf(const ns_onnx::NodeProto& original, const NodePlan& plan);
  Result<std::string> DequantizedWeight(const WeightNames& weight, std::string_view base);
  Result<std::string> DequantizedBias(const std::string& name, const Tensor& bias, float input_scale, std::span<const float> weight_scale);
  std::pair<std::string, std::string> ScaleAndZero(const RangeId& range, const QuantParams& params);

  Model& model_;
  const Plan& plan_;
  const ActivationParams& params_;
  const QuantConfig& config_;
  std::vector<ns_onnx::NodeProto> nodes_;
  std::map<RangeId, std::pair<std::string, std::string>> scale_names_;
  std::map<std::pair<std::string, RangeId>, std::string> quantized_;       // value and range → its integers
  std::map<std::string, DynamicNames> dynamic_;                            // value → what DynamicQuantizeLinear made of it
  std::map<std::string, std::string> widened_;                             // bias → the same as [1, 1, N]
  std::map<std::string, BlockNames> blocks_;                               // weight and form → its blocks
  std::map<std::string, WeightNames> weights_;                             // weight and form → its integers
};

}  // namespace ns
