#include "runtime/optimized_graph.h"

#include "base/file.h"
#include "graph/wire_scan.h"

namespace ns {

OperatorCounts CountOperators(const ns_onnx::GraphProto& graph) {
  OperatorCounts counts;
  for (const auto& node : graph.node()) {
    bool plain = node.domain().empty() || node.domain() == "ai.onnx";
    ++counts[plain ? node.op_type() : node.domain() + "." + node.op_type()];
  }
  return counts;
}

Result<OperatorCounts> CountOperators(const std::filesystem::path& optimized_model) {
  // Not Model::Load(): the file uses operators of ONNX Runtime's own domains and layouts that a checker does not know.
  NS_ASSIGN_OR_RETURN(auto file, MappedFile::Open(optimized_model));
  NS_ASSIGN_OR_RETURN(ReducedModel reduced, ReduceModel(file->bytes(), kSharedWeightBytes, LoadOptions().max_structure_bytes));
  ns_onnx::ModelProto proto;
  if (!proto.ParseFromString(reduced.structure)) {
    return InvalidArgument(fmt::format("'{}' is not an ONNX model", optimized_model.string()), "NOT_ONNX");
  }
  return CountOperators(proto.graph());
}

Result<OperatorCounts> OptimizedOperators(const Model& model, SessionOptions options) {
  NS_ASSIGN_OR_RETURN(TempDir folder, TempDir::Create("ns-optimized-"));
  options.save_optimized_to = folder.path() / "optimized.onnx";
  NS_ASSIGN_OR_RETURN(Session session, Session::FromModel(model, options));
  return CountOperators(options.save_optimized_to);
}

}  // namespace ns
