#include "graph/wire_write.h"

#include <string>

namespace ns {
namespace {

using ns_onnx::GraphProto;
using ns_onnx::ModelProto;
using ns_onnx::TensorProto;

constexpr uint32_t kModelGraph = 7, kGraphInitializer = 5, kTensorRaw = 9;  // field numbers of onnx.proto

// Tag and length of a field with bytes.
std::string Head(uint32_t field, uint64_t length) {
  std::string out;
  for (uint64_t value : {static_cast<uint64_t>(field << 3 | 2), length}) {
    for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
  }
  return out;
}

// One big initializer: everything before its elements.
struct Part {
  std::string before;  // as a field of the graph, up to and including raw_data's length
  const Model::WeightBytesView* weight;
};

Part MakePart(const TensorProto& tensor, const Model::WeightBytesView& weight) {
  TensorProto header = tensor;
  header.clear_data_location();
  header.clear_external_data();
  std::string fields = header.SerializeAsString() + Head(kTensorRaw, weight.bytes.size());
  return {Head(kGraphInitializer, fields.size() + weight.bytes.size()) + fields, &weight};
}

}  // namespace

Status WriteModel(const Model& model, const WireSink& sink) {
  ModelProto rest = model.proto();
  GraphProto graph = std::move(*rest.mutable_graph());
  rest.clear_graph();
  std::vector<Part> parts;
  google::protobuf::RepeatedPtrField<TensorProto> small;
  for (TensorProto& tensor : *graph.mutable_initializer()) {
    const Model::WeightBytesView* weight = model.SharedWeight(tensor.name());
    if (weight != nullptr) {
      parts.push_back(MakePart(tensor, *weight));
    } else {
      small.Add(std::move(tensor));
    }
  }
  graph.mutable_initializer()->Swap(&small);

  std::string structure = graph.SerializeAsString();
  uint64_t length = structure.size();
  for (const Part& part : parts) length += part.before.size() + part.weight->bytes.size();
  NS_RETURN_IF_ERROR(sink.bytes(rest.SerializeAsString() + Head(kModelGraph, length)));
  NS_RETURN_IF_ERROR(sink.bytes(structure));
  for (const Part& part : parts) {
    NS_RETURN_IF_ERROR(sink.bytes(part.before));
    NS_RETURN_IF_ERROR(sink.weight(*part.weight));
  }
  return OkStatus();
}

Result<std::string> SerializeModel(const Model& model) {
  std::string out;
  uint64_t size = model.proto().ByteSizeLong();
  for (const std::string& name : model.WeightNames())
    if (const auto* weight = model.SharedWeight(name)) size += weight->bytes.size() + 32;
  if (size >= (uint64_t{1} << 31)) {
    return ResourceExhausted(fmt::format("the model has {} bytes, a protobuf message ends at 2 GiB: save it with external data", size), "MODEL_TOO_LARGE");
  }
  out.reserve(size);
  WireSink sink;
  sink.bytes = [&](std::string_view bytes) { out.append(bytes); return OkStatus(); };
  sink.weight = [&](const Model::WeightBytesView& weight) {
    out.append(reinterpret_cast<const char*>(weight.bytes.data()), weight.bytes.size());
    return OkStatus();
  };
  NS_RETURN_IF_ERROR(WriteModel(model, sink));
  return out;
}

}  // namespace ns
