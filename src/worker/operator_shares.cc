#include "worker/operator_shares.h"

namespace ns {

namespace {

// Ends of names of nodes that stand for one operator: of dynamic quantization and lookups (quantize/qdq_writer), of ONNX Runtime's fusions.
constexpr std::string_view kEnds[] = {"_MatMulInteger", "_Cast", "_Scale", "_Mul", "_Add", "_Lookup", "_DequantizeLinear", "/MatMulScaleFusion/"};

}  // namespace

std::map<std::string, double> OperatorShares(std::span<const NodeTime> nodes, std::span<const OperatorDecision> decisions,
                                             const ns_onnx::GraphProto& prepared) {
  std::map<std::string, std::string> made_by, owners;
  for (const auto& node : prepared.node())
    if (node.output_size() > 0) made_by[node.name()] = node.output(0);
  for (const OperatorDecision& decision : decisions) {
    for (std::string_view end : kEnds) owners.emplace(decision.name + std::string(end), decision.name);
    if (auto made = made_by.find(decision.name); made != made_by.end()) owners.emplace(made->second + "_nchwc", decision.name);
  }
  // Over what was put together: an operator may be called like another's part.
  for (const OperatorDecision& decision : decisions) owners[decision.name] = decision.name;

  double all = 0;
  for (const NodeTime& node : nodes) all += node.seconds;
  std::map<std::string, double> shares;
  for (const NodeTime& node : nodes) {
    auto owner = owners.find(node.name);
    if (owner != owners.end() && all > 0) shares[owner->second] += node.seconds / all;
  }
  return shares;
}

}  // namespace ns
