#include "graph/shapes.h"

#include <algorithm>
#include <exception>
#include <unordered_set>
#include <vector>

#include "graph/checker.h"
#include "graph/tensor_proto.h"
#include "onnx/shape_inference/implementation.h"

namespace ns {

namespace {

// Returns why it stopped early, or "".
std::string InferByOnnx(ns_onnx::ModelProto& proto) {
  try {
    ns_onnx::ShapeInferenceOptions options(/*check_type=*/false, /*strict_mode=*/0, /*data_prop=*/true);
    ns_onnx::shape_inference::InferShapes(proto, ns_onnx::OpSchemaRegistry::Instance(), options);
    return "";
  } catch (const std::exception& error) {
    return "shapes were inferred only in part: " + OneLine(error.what());
  }
}

using Types = std::unordered_map<std::string, ns_onnx::TypeProto>;

Types KnownTypes(const Model& model, const ns_onnx::GraphProto& inferred) {
  Types types;
  for (const auto& info : inferred.value_info()) types[info.name()] = info.type();
  for (const auto& info : model.graph().input()) types[info.name()] = info.type();
  for (const auto& tensor : model.graph().initializer()) {
    auto* type = types[tensor.name()].mutable_tensor_type();
    type->set_elem_type(tensor.data_type());
    for (int64_t size : tensor.dims()) type->mutable_shape()->add_dim()->set_dim_value(size);
  }
  return types;
}

bool IsComputedSlice(const ns_onnx::NodeProto& node, const Model& model) {
  return node.op_type() == "Slice" && node.domain().empty() && node.input_size() > 3 &&
         (!model.HasWeight(node.input(1)) || !model.HasWeight(node.input(2)));
}

// onnx gives up all sizes of a Slice whose bounds are computed. Those of axes that it doesn't cut stay: [1, 512] positions cut to the
// sequence's length are [1, ?], and only so adding them to a batch of rows doesn't lose the batch.
std::vector<ns_onnx::ValueInfoProto> UncutSizes(const Model& model, const ns_onnx::GraphProto& inferred) {
  std::vector<ns_onnx::ValueInfoProto> found;
  Types types;
  for (const auto& node : model.graph().node()) {
    if (!IsComputedSlice(node, model)) continue;
    if (types.empty()) types = KnownTypes(model, inferred);
    auto axes = model.Weight(node.input(3));
    ns_onnx::ValueInfoProto info;
    info.set_name(node.output(0));
    *info.mutable_type() = types[node.input(0)];
    if (!axes.ok() || axes->dtype() != DType::kInt64 || !info.type().tensor_type().has_shape()) continue;
    auto* shape = info.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int64_t axis : axes->values<int64_t>()) {
      if (axis < 0) axis += shape->dim_size();
      if (axis >= 0 && axis < shape->dim_size()) shape->mutable_dim(static_cast<int>(axis))->Clear();
    }
    found.push_back(std::move(info));
  }
  return found;
}

}  // namespace

ShapeMap ShapeMap::Infer(const Model& model) {
  ShapeMap map;
  ns_onnx::ModelProto proto = model.proto();
  map.note_ = InferByOnnx(proto);
  if (auto uncut = UncutSizes(model, proto.graph()); !uncut.empty()) {
    std::unordered_set<std::string> names;
    for (const auto& info : uncut) names.insert(info.name());
    proto = model.proto();
    auto& infos = *proto.mutable_graph()->mutable_value_info();
    auto kept = std::remove_if(infos.begin(), infos.end(), [&](const auto& info) { return names.contains(info.name()); });
    infos.erase(kept, infos.end());
    for (auto& info : uncut) *infos.Add() = std::move(info);
    map.note_ = InferByOnnx(proto);
  }
  // Later ones win: what the model itself declares.
  auto add = [&](const ns_onnx::ValueInfoProto& info) { map.specs_[info.name()] = SpecOf(info); };
  for (const auto& info : proto.graph().value_info()) add(info);
  for (const auto& info : proto.graph().output()) add(info);
  for (const auto& info : proto.graph().input()) add(info);
  for (const auto& tensor : proto.graph().initializer()) {
    TensorSpec& spec = map.specs_[tensor.name()] = TensorSpec();
    spec.name = tensor.name();
    spec.dtype = DTypeFromOnnx(tensor.data_type());
    spec.shape = DimsOf(tensor);
  }
  return map;
}

const TensorSpec* ShapeMap::Find(std::string_view value) const {
  auto found = specs_.find(std::string(value));
  return found == specs_.end() ? nullptr : &found->second;
}

std::optional<Shape> ShapeMap::StaticShape(std::string_view value) const {
  const TensorSpec* spec = Find(value);
  if (spec == nullptr || !spec->has_shape) return std::nullopt;
  for (int64_t size : spec->shape)
    if (size < 0) return std::nullopt;
  return spec->shape;
}

int ShapeMap::Rank(std::string_view value) const {
  const TensorSpec* spec = Find(value);
  return spec != nullptr && spec->has_shape ? static_cast<int>(spec->shape.size()) : -1;
}

std::optional<uint64_t> ShapeMap::Bytes(std::string_view value) const {
  std::optional<Shape> shape = StaticShape(value);
  size_t element = shape ? DTypeSize(Find(value)->dtype) : 0;
  if (element == 0) return std::nullopt;
  uint64_t bytes = element;
  for (int64_t size : *shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return UINT64_MAX;
  return bytes;
}

}  // namespace ns
