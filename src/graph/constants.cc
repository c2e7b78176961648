#include "graph/constants.h"

namespace ns {

using ns_onnx::AttributeProto;
using ns_onnx::TensorProto;

std::optional<TensorProto> TakeConstant(ns_onnx::NodeProto& node) {
  if (node.op_type() != "Constant" || !node.domain().empty() || node.attribute_size() != 1) return std::nullopt;
  AttributeProto& attribute = *node.mutable_attribute(0);
  TensorProto tensor;
  if (attribute.name() == "value" && attribute.has_t()) {
    if (attribute.t().data_type() == TensorProto::STRING) return std::nullopt;
    return std::move(*attribute.mutable_t());
  }
  if (attribute.name() == "value_float") {
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.add_float_data(attribute.f());
  } else if (attribute.name() == "value_int") {
    tensor.set_data_type(TensorProto::INT64);
    tensor.add_int64_data(attribute.i());
  } else if (attribute.name() == "value_floats") {
    tensor.set_data_type(TensorProto::FLOAT);
    tensor.add_dims(attribute.floats_size());
    *tensor.mutable_float_data() = attribute.floats();
  } else if (attribute.name() == "value_ints") {
    tensor.set_data_type(TensorProto::INT64);
    tensor.add_dims(attribute.ints_size());
    *tensor.mutable_int64_data() = attribute.ints();
  } else {
    return std::nullopt;
  }
  return tensor;
}

}  // namespace ns
