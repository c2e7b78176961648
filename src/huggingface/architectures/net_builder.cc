#include "huggingface/architectures/net_builder.h"

#include <algorithm>
#include <cstring>

#include "graph/attributes.h"

namespace ns {

namespace {

constexpr int64_t kIrVersion = 8;  // the one of opset 17's time

void SetType(ns_onnx::ValueInfoProto& info, std::string_view name, DType dtype,
             const std::vector<NetBuilder::Dim>& dims) {
  info.set_name(std::string(name));
  auto* type = info.mutable_type()->mutable_tensor_type();
  type->set_elem_type(static_cast<int32_t>(dtype));
  for (const NetBuilder::Dim& dim : dims) {
    auto* to = type->mutable_shape()->add_dim();
    if (dim.name.empty()) {
      to->set_dim_value(dim.size);
    } else {
      to->set_dim_param(dim.name);
    }
  }
}

// [rows, columns] floats at any address, as [columns, rows]. By tiles, so that both sides stay in the cache.
Tensor Transposed(const Tensor& tensor) {
  constexpr size_t kTile = 32;
  auto rows = static_cast<size_t>(tensor.shape()[0]);
  auto columns = static_cast<size_t>(tensor.shape()[1]);
  Tensor turned(DType::kFloat, {tensor.shape()[1], tensor.shape()[0]});
  float* out = turned.mutable_values<float>().data();
  const auto* from = static_cast<const std::byte*>(tensor.data());
  for (size_t row = 0; row < rows; row += kTile) {
    for (size_t column = 0; column < columns; column += kTile) {
      for (size_t r = row; r < std::min(row + kTile, rows); ++r) {
        for (size_t c = column; c < std::min(column + kTile, columns); ++c) {
          std::memcpy(out + c * rows + r, from + (r * columns + c) * sizeof(float), sizeof(float));
        }
      }
    }
  }
  return turned;
}

}  // namespace

void NetBuilder::Fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

Value NetBuilder::Input(std::string_view name, DType dtype, std::vector<Dim> dims) {
  if (ok()) SetType(*graph_.add_input(), name, dtype, dims);
  return std::string(name);
}

void NetBuilder::Output(std::string_view name, const Value& value, std::vector<Dim> dims) {
  if (!ok()) return;
  // The last node that makes it takes the output's name: no Identity is needed.
  for (int i = graph_.node_size(); i-- > 0;) {
    auto* outputs = graph_.mutable_node(i)->mutable_output();
    auto made = std::find(outputs->begin(), outputs->end(), value);
    if (made == outputs->end()) continue;
    *made = std::string(name);
    for (auto& node : *graph_.mutable_node())
      std::replace(node.mutable_input()->begin(), node.mutable_input()->end(), value, std::string(name));
    break;
  }
  SetType(*graph_.add_output(), name, DType::kFloat, dims);
}

Result<Model> NetBuilder::Finish(std::string_view name) && {
  NS_RETURN_IF_ERROR(status_);
  ns_onnx::ModelProto proto;
  proto.set_ir_version(kIrVersion);
  proto.set_producer_name("neural_solution");
  proto.add_opset_import()->set_version(kBuiltOpset);
  graph_.set_name(std::string(name));
  *proto.mutable_graph() = std::move(graph_);
  LoadOptions unchecked;
  unchecked.check = false;  // until its weights are in it
  NS_ASSIGN_OR_RETURN(Model model, Model::FromProto(std::move(proto), unchecked));
  for (auto& [constant, tensor] : constants_) model.SetWeight(constant, std::move(tensor));
  NS_RETURN_IF_ERROR(model.Verify());
  return model;
}

Shape NetBuilder::ShapeOf(const std::string& weight, size_t rank) {
  const StoredTensor* stored = weights_.Get(weight);
  if (stored == nullptr) {
    Fail(NotFound(fmt::format("the weights have no tensor '{}'", weight), "MISSING_WEIGHT"));
  } else if (stored->shape.size() != rank) {
    Fail(InvalidArgument(
        fmt::format("tensor '{}' has the shape {}, {} axes were expected", weight, ShapeToString(stored->shape), rank),
        "BAD_WEIGHTS"));
  } else {
    return stored->shape;
  }
  return Shape(rank, 0);
}

Value NetBuilder::Constant(const std::string& name, Tensor tensor) {
  constants_.try_emplace(name, std::move(tensor));
  return name;
}

Value NetBuilder::Weight(const std::string& weight) {
  if (!ok() || constants_.contains(weight)) return weight;
  Result<Tensor> tensor = weights_.Read(weight);
  if (!tensor.ok()) return Fail(tensor.status()), "";
  return Constant(weight, std::move(*tensor));
}

Value NetBuilder::TransposedWeight(const std::string& weight) {
  std::string name = weight + ".transposed";
  ShapeOf(weight, 2);
  if (!ok() || constants_.contains(name)) return name;
  Result<Tensor> tensor = weights_.Read(weight);
  if (tensor.ok() && tensor->dtype() != DType::kFloat) {
    tensor = InvalidArgument(fmt::format("tensor '{}' is of {}", weight, DTypeName(tensor->dtype())), "BAD_WEIGHTS");
  }
  if (!tensor.ok()) return Fail(tensor.status()), "";
  return Constant(name, Transposed(*tensor));
}

Value NetBuilder::Number(float value) {
  return Constant(fmt::format("number_{}", value), Tensor::From<float>({}, {value}));
}

Value NetBuilder::Ints(const std::vector<int64_t>& values) {
  auto count = static_cast<int64_t>(values.size());
  return Constant(fmt::format("ints_{}", fmt::join(values, "_")),
                  Tensor::From<int64_t>({count}, std::span<const int64_t>(values)));
}

std::string NetBuilder::NodeName(std::string_view type) {
  std::string name = module_.empty() ? std::string(type) : fmt::format("{}/{}", module_, type);
  int before = names_[name]++;
  return before == 0 ? name : fmt::format("{}_{}", name, before);
}

std::vector<Value> NetBuilder::Ops(std::string_view type, const std::vector<Value>& inputs, size_t outputs,
                                   const std::vector<Attribute>& attributes) {
  if (!ok()) return std::vector<Value>(outputs);
  ns_onnx::NodeProto& node = *graph_.add_node();
  node.set_op_type(std::string(type));
  node.set_name(NodeName(type));
  for (const Value& input : inputs) node.add_input(input);
  for (const auto& [key, value] : attributes) {
    std::visit([&node, name = key](const auto& v) { SetAttribute(node, name, v); }, value);
  }
  std::vector<Value> made;
  for (size_t i = 0; i < outputs; ++i) {
    made.push_back(fmt::format("{}_output_{}", node.name(), i));
    node.add_output(made.back());
  }
  return made;
}

Value NetBuilder::Op(std::string_view type, const std::vector<Value>& inputs,
                     const std::vector<Attribute>& attributes) {
  return Ops(type, inputs, 1, attributes)[0];
}

Value NetBuilder::AddBias(const Value& x, const std::string& bias) {
  return Op("Add", {x, Weight(bias)});
}

Value NetBuilder::Linear(const Value& x, const std::string& weight, const std::string& bias) {
  Value product = Op("MatMul", {x, TransposedWeight(weight)});
  return bias.empty() ? product : AddBias(product, bias);
}

Value NetBuilder::Linear(const Value& x, const std::string& module) {
  At(module);
  std::string bias = module + ".bias";
  return Linear(x, module + ".weight", Has(bias) ? bias : "");
}

Value NetBuilder::Conv1D(const Value& x, const std::string& module) {
  At(module);
  ShapeOf(module + ".weight", 2);
  return AddBias(Op("MatMul", {x, Weight(module + ".weight")}), module + ".bias");
}

Value NetBuilder::Gemm(const Value& x, const std::string& module) {
  At(module);
  ShapeOf(module + ".weight", 2);
  std::vector<Value> inputs = {x, Weight(module + ".weight")};
  if (Has(module + ".bias")) inputs.push_back(Weight(module + ".bias"));
  return Op("Gemm", inputs, {{"transB", int64_t{1}}});
}

Value NetBuilder::LayerNorm(const Value& x, const std::string& module, float epsilon) {
  At(module);
  return Op("LayerNormalization", {x, Weight(module + ".weight"), Weight(module + ".bias")},
            {{"axis", int64_t{-1}}, {"epsilon", epsilon}});
}

Value NetBuilder::Embedding(const Value& ids, const std::string& module) {
  At(module);
  return Op("Gather", {Weight(module + ".weight"), ids}, {{"axis", int64_t{0}}});
}

}  // namespace ns
