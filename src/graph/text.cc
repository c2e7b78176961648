#include "graph/text.h"

#include <sstream>

#include "onnx/defs/printer.h"

namespace ns {
namespace {

std::string Joined(const google::protobuf::RepeatedPtrField<std::string>& names) {
  std::string text;
  for (int i = 0; i < names.size(); ++i) text += (i > 0 ? ", " : "") + names[i];
  return text;
}

}  // namespace

std::string ToText(const Model& model) {
  ns_onnx::ModelProto proto = model.proto();
  for (auto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (model.SharedWeight(tensor.name()) == nullptr) continue;
    // The printer wants data in the tensor.
    tensor.clear_external_data();
    tensor.clear_data_location();
    tensor.set_raw_data("");
  }
  std::ostringstream out;
  out << proto;
  return out.str();
}

std::string NodesToText(const ns_onnx::GraphProto& graph) {
  std::string text;
  for (const auto& node : graph.node()) {
    std::string domain = node.domain().empty() ? "" : node.domain() + ".";
    text += fmt::format("{} = {}{} ({})\n", Joined(node.output()), domain, node.op_type(), Joined(node.input()));
  }
  return text;
}

}  // namespace ns
