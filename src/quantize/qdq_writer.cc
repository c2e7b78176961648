#include "quantize/qdq_writer.h"

#include <algorithm>
#include <cmath>

#include "graph/attributes.h"
#include "graph/graph_index.h"
#include "quantize/block_weight.h"

namespace ns {

namespace {

Tensor ScaleTensor(const QuantParams& params) {
  Shape shape = params.axis ? Shape{static_cast<int64_t>(params.scale.size())} : Shape{};
  return Tensor::From<float>(shape, std::span<const float>(params.scale));
}

Tensor ZeroPointTensor(const QuantParams& params) {
  Shape shape = params.axis ? Shape{static_cast<int64_t>(params.zero_point.size())} : Shape{};
  Tensor tensor(params.dtype, shape);
  for (size_t i = 0; i < params.zero_point.size(); ++i) {
    if (params.dtype == DType::kUint8) tensor.mutable_values<uint8_t>()[i] = static_cast<uint8_t>(params.zero_point[i]);
    if (params.dtype == DType::kInt8) tensor.mutable_values<int8_t>()[i] = static_cast<int8_t>(params.zero_point[i]);
    if (params.dtype == DType::kInt32) tensor.mutable_values<int32_t>()[i] = params.zero_point[i];
  }
  return tensor;
}

Tensor Transposed(const Tensor& weight) {
  int64_t rows = weight.shape()[0], columns = weight.shape()[1];
  Tensor result(DType::kFloat, {columns, rows});
  auto from = weight.values<float>();
  auto to = result.mutable_values<float>();
  constexpr int64_t kTile = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
    for (int64_t c0 = 0; c0 < columns; c0 += kTile) {
      for (int64_t r = r0; r < std::min(rows, r0 + kTile); ++r) {
        for (int64_t c = c0; c < std::min(columns, c0 + kTile); ++c) {
          to[static_cast<size_t>(c * rows + r)] = from[static_cast<size_t>(r * columns + c)];
        }
      }
    }
  }
  return result;
}

}  // namespace

ns_onnx::NodeProto* QdqWriter::Emit(std::string_view type, std::vector<std::string> inputs, std::vector<std::string> outputs,
                                    std::string_view name) {
  ns_onnx::NodeProto node;
  node.set_op_type(std::string(type));
  node.set_name(model_.UniqueName(name.empty() ? type : name));
  for (std::string& input : inputs) node.add_input(std::move(input));
  for (std::string& output : outputs) node.add_output(std::move(output));
  nodes_.push_back(std::move(node));
  return &nodes_.back();
}

ns_onnx::NodeProto* QdqWriter::EmitCopy(const ns_onnx::NodeProto& node) {
  nodes_.push_back(node);
  return &nodes_.back();
}

std::pair<std::string, std::string> QdqWriter::ScaleAndZero(const RangeId& range, const QuantParams& params) {
  auto [entry, added] = scale_names_.try_emplace(range);
  if (added) {
    entry->second = {model_.UniqueName(range.value + "_scale"), model_.UniqueName(range.value + "_zero_point")};
    model_.SetWeight(entry->second.first, ScaleTensor(params));
    model_.SetWeight(entry->second.second, ZeroPointTensor(params));
  }
  return entry->second;
}

Result<std::string> QdqWriter::Quantized(const std::string& value, const RangeId& range, const std::string& source) {
  auto known = quantized_.find({value, range});
  if (known != quantized_.end()) return known->second;
  auto params = params_.find(range);
  if (params == params_.end()) return Internal(fmt::format("no range for the value '{}'", value), "NO_RANGE");
  auto [scale, zero] = ScaleAndZero(range, params->second);
  std::string output = model_.UniqueName(value + "_quantized");
  Emit("QuantizeLinear", {source, scale, zero}, {output}, value + "_QuantizeLinear");
  quantized_[{value, range}] = output;
  return output;
}

Result<std::string> QdqWriter::Dequantized(const std::string& value, const RangeId& range, const std::string& source, std::string output) {
  NS_ASSIGN_OR_RETURN(std::string quantized, Quantized(value, range, source));
  auto [scale, zero] = ScaleAndZero(range, params_.at(range));
  if (output.empty()) output = model_.UniqueName(value + "_dequantized");
  Emit("DequantizeLinear", {quantized, scale, zero}, {output}, value + "_DequantizeLinear");
  return output;
}

Result<QdqWriter::WeightNames> QdqWriter::IntegerWeight(const ns_onnx::NodeProto& original, const NodePlan& plan,
                                                        const std::vector<float>& min_scale, bool transposed) {
  const std::string& name = original.input(plan.traits.weight);
  // A scale bounded by one operator's bias is that operator's own.
  bool computes = plan.mode != OpMode::kWeightOnly;  // on integers, so that sums of products must fit
  bool per_channel = plan.config.per_channel;
  std::string key = fmt::format("{}|{}|{}|{}|{}|{}", name, transposed, *plan.traits.channel_axis, computes, per_channel,
                                min_scale.empty() ? "" : original.name());
  if (auto known = weights_.find(key); known != weights_.end()) return known->second;
  NS_ASSIGN_OR_RETURN(Tensor weight, model_.Weight(name));
  WeightOptions options = WeightOptionsOf(plan, config_, min_scale);
  if (options.axis && transposed) options.axis = 1 - *options.axis;
  auto quantized = QuantizeWeight((transposed ? Transposed(weight) : weight).view(), options);
  if (!quantized.ok()) {
    return quantized.status().WithContext(fmt::format("weight '{}' of operator '{}'", name, original.name()));
  }
  WeightNames names;
  names.values = model_.UniqueName(name + "_quantized");
  names.scale = model_.UniqueName(name + "_scale");
  names.zero_point = model_.UniqueName(name + "_zero_point");
  names.scales = quantized->params.scale;
  names.axis = options.axis;
  model_.SetWeight(names.values, quantized->values);
  model_.SetWeight(names.scale, ScaleTensor(quantized->params));
  model_.SetWeight(names.zero_point, ZeroPointTensor(quantized->params));
  weights_[key] = names;
  return names;
}

Result<std::string> QdqWriter::DequantizedWeight(const WeightNames& weight, std::string_view base) {
  std::string output = model_.UniqueName(std::string(base) + "_dequantized");
  auto* node = Emit("DequantizeLinear", {weight.values, weight.scale, weight.zero_point}, {output}, std::string(base) + "_DequantizeLinear");
  if (weight.axis) SetAttribute(*node, "axis", int64_t{*weight.axis});
  return output;
}

Result<std::string> QdqWriter::DequantizedBias(const std::string& name, const Tensor& bias, float input_scale,
                                               std::span<const float> weight_scale) {
  QuantizedWeight integers = QuantizeBias(bias.values<float>(), input_scale, weight_scale);
  std::string base = name + "_quantized";
  WeightNames names{model_.UniqueName(base), model_.UniqueName(base + "_scale"), model_.UniqueName(base + "_zero_point"), {}, 0};
  model_.SetWeight(names.values, integers.values);
  model_.SetWeight(names.scale, ScaleTensor(integers.params));
  model_.SetWeight(names.zero_point, ZeroPointTensor(integers.params));
  return DequantizedWeight(names, name);
}

Result<std::string> QdqWriter::MakeStatic(const ns_onnx::NodeProto& original, const NodePlan& plan, std::span<const int> as_is,
                                          ns_onnx::NodeProto* node, const std::string& later_bias) {
  const OpTraits& traits = plan.traits;
  for (int position : traits.activations) {
    if (std::find(as_is.begin(), as_is.end(), position) != as_is.end()) continue;
    const std::string& value = original.input(position);
    NS_ASSIGN_OR_RETURN(std::string integers, Dequantized(value, plan_.Read(value, plan), value));
    node->set_input(position, integers);
  }
  if (traits.weight < 0) return std::string();
  float input_scale = params_.at(plan_.Read(original.input(traits.activations[0]), plan)).scale[0];
  const std::string bias_name = traits.bias >= 0 ? original.input(traits.bias) : later_bias;
  std::vector<float> min_scale;
  Tensor bias;
  if (!bias_name.empty()) {
    NS_ASSIGN_OR_RETURN(bias, model_.Weight(bias_name));
    min_scale = SmallestScales(bias.values<float>(), input_scale);
  }
  NS_ASSIGN_OR_RETURN(WeightNames weight, IntegerWeight(original, plan, min_scale, false));
  NS_ASSIGN_OR_RETURN(std::string float_weight, DequantizedWeight(weight, original.input(traits.weight)));
  node->set_input(traits.weight, float_weight);
  if (bias_name.empty()) return std::string();
  NS_ASSIGN_OR_RETURN(std::string float_bias, DequantizedBias(bias_name, bias, input_scale, weight.scales));
  if (traits.bias >= 0) node->set_input(traits.bias, float_bias);
  return float_bias;
}

Result<std::string> QdqWriter::WidenedBias(const std::string& bias) {
  auto [entry, added] = widened_.try_emplace(bias);
  if (!added) return entry->second;
  NS_ASSIGN_OR_RETURN(Tensor tensor, model_.Weight(bias));
  auto values = tensor.values<float>();
  entry->second = model_.UniqueName(bias + "_widened");
  model_.SetWeight(entry->second, Tensor::From<float>({1, 1, static_cast<int64_t>(values.size())}, values));
  return entry->second;
}

Status QdqWriter::EmitDynamic(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& input,
                              const std::string& output) {
  bool transposed = original.op_type() == "Gemm" && *plan.traits.channel_axis == 0;
  NS_ASSIGN_OR_RETURN(WeightNames weight, IntegerWeight(original, plan, {}, transposed));
  auto [entry, added] = dynamic_.try_emplace(input);
  if (added) {
    entry->second = {model_.UniqueName(input + "_quantized"), model_.UniqueName(input + "_scale"), model_.UniqueName(input + "_zero_point")};
    const DynamicNames& names = entry->second;
    Emit("DynamicQuantizeLinear", {input}, {names.values, names.scale, names.zero_point}, input + "_DynamicQuantizeLinear");
  }
  const DynamicNames& x = entry->second;
  const std::string& base = original.name();
  std::string sum = model_.UniqueName(base + "_int32"), cast = model_.UniqueName(base + "_float");
  std::string scale = model_.UniqueName(base + "_scale");
  bool biased = plan.traits.bias >= 0;
  std::string scaled = biased ? model_.UniqueName(base + "_scaled") : output;
  Emit("MatMulInteger", {x.values, weight.values, x.zero_point, weight.zero_point}, {sum}, base + "_MatMulInteger");
  SetAttribute(*Emit("Cast", {sum}, {cast}, base + "_Cast"), "to", static_cast<int64_t>(DType::kFloat));
  Emit("Mul", {x.scale, weight.scale}, {scale}, base + "_Scale");
  Emit("Mul", {cast, scale}, {scaled}, base + "_Mul");
  if (biased) Emit("Add", {scaled, original.input(plan.traits.bias)}, {output}, base + "_Add");
  return OkStatus();
}

Status QdqWriter::UnpackWeight(const ns_onnx::NodeProto& original, const NodePlan& plan, ns_onnx::NodeProto* node) {
  NS_ASSIGN_OR_RETURN(WeightNames weight, IntegerWeight(original, plan, {}, false));
  NS_ASSIGN_OR_RETURN(std::string unpacked, DequantizedWeight(weight, original.input(plan.traits.weight)));
  node->set_input(plan.traits.weight, unpacked);
  return OkStatus();
}

Result<QdqWriter::BlockNames> QdqWriter::BlocksOf(const ns_onnx::NodeProto& original, const NodePlan& plan) {
  const std::string& name = original.input(plan.traits.weight);
  bool outputs_first = *plan.traits.channel_axis == 0;
  std::string key = fmt::format("{}|{}|{}|{}", name, outputs_first, plan.config.block, plan.config.zero_points);
  if (auto known = blocks_.find(key); known != blocks_.end()) return known->second;
  NS_ASSIGN_OR_RETURN(Tensor weight, model_.Weight(name));
  if (!outputs_first) weight = Transposed(weight);
  auto quantized = QuantizeBlocks(weight.view(), {plan.config.block, plan.config.zero_points});
  if (!quantized.ok()) return quantized.status().WithContext(fmt::format("weight '{}' of operator '{}'", name, original.name()));
  BlockNames names{model_.UniqueName(name + "_int4"), model_.UniqueName(name + "_scales"), "", weight.shape()[1], weight.shape()[0]};
  model_.SetWeight(names.values, quantized->values);
  model_.SetWeight(names.scales, quantized->scales);
  if (plan.config.zero_points) {
    names.zero_points = model_.UniqueName(name + "_zero_points");
    model_.SetWeight(names.zero_points, quantized->zero_points);
  }
  blocks_[key] = names;
  return names;
}

Status QdqWriter::EmitBlocks(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& input, const std::string& output) {
  constexpr int64_t kInt8Inputs = 4;  // accuracy level: inputs are rounded to int8 block by block, which is what makes the kernel fast
  NS_ASSIGN_OR_RETURN(BlockNames weight, BlocksOf(original, plan));
  std::vector<std::string> inputs = {input, weight.values, weight.scales};
  if (!weight.zero_points.empty()) inputs.push_back(weight.zero_points);
  if (plan.traits.bias >= 0) {
    inputs.resize(5);  // zero points, and the group index that no block of ours has
    inputs.push_back(original.input(plan.traits.bias));
  }
  ns_onnx::NodeProto* node = Emit("MatMulNBits", std::move(inputs), {output}, original.name() + "_MatMulNBits");
  node->set_domain("com.microsoft");
  SetAttribute(*node, "K", weight.inputs);
  SetAttribute(*node, "N", weight.outputs);
  SetAttribute(*node, "bits", int64_t{4});
  SetAttribute(*node, "block_size", int64_t{plan.config.block});
  SetAttribute(*node, "accuracy_level", kInt8Inputs);
  if (model_.OpsetOf("com.microsoft") == 0) model_.SetOpset("com.microsoft", 1);
  return OkStatus();
}

Status QdqWriter::EmitEmbedding(const ns_onnx::NodeProto& original, const NodePlan& plan, const std::string& output) {
  NS_ASSIGN_OR_RETURN(WeightNames table, IntegerWeight(original, plan, {}, false));
  std::string rows = model_.UniqueName(output + "_quantized");
  auto* gather = EmitCopy(original);
  gather->set_name(model_.UniqueName(original.name() + "_Lookup"));
  gather->set_input(0, table.values);
  gather->set_output(0, rows);
  if (!table.axis) {
    Emit("DequantizeLinear", {rows, table.scale, table.zero_point}, {output}, original.name() + "_DequantizeLinear");
    return OkStatus();
  }
  // A scale for each column, the last axis of what was looked up: DequantizeLinear's kernel takes such rows element by element.
  std::string numbers = model_.UniqueName(output + "_float");
  SetAttribute(*Emit("Cast", {rows}, {numbers}, original.name() + "_Cast"), "to", static_cast<int64_t>(DType::kFloat));
  Emit("Mul", {numbers, table.scale}, {output}, original.name() + "_Mul");
  return OkStatus();
}

void QdqWriter::Finish() {
  auto& graph = model_.mutable_graph();
  graph.clear_node();
  for (ns_onnx::NodeProto& node : nodes_) *graph.add_node() = std::move(node);
  GraphIndex index(model_);
  model_.KeepWeightsIf([&](const std::string& name) { return index.IsUsed(name); });
}

}  // namespace ns
