#include "graph/shapes.h"

#include <exception>

#include "graph/checker.h"
#include "graph/tensor_proto.h"
#include "onnx/shape_inference/implementation.h"

namespace ns {

ShapeMap ShapeMap::Infer(const Model& model) {
  ShapeMap map;
  ns_onnx::ModelProto proto = model.proto();
  try {
    ns_onnx::ShapeInferenceOptions options(/*check_type=*/false, /*strict_mode=*/0, /*data_prop=*/true);
    ns_onnx::shape_inference::InferShapes(proto, ns_onnx::OpSchemaRegistry::Instance(), options);
  } catch (const std::exception& error) {
    map.note_ = "shapes were inferred only in part: " + OneLine(error.what());
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
