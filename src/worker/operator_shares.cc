#include "worker/operator_shares.h"

#include <set>

namespace ns {

namespace {

// Ends of names of nodes that stand for one operator: of dynamic quantization and lookups (quantize/qdq_writer), of ONNX Runtime's fusions.
constexpr std::string_view kEnds[] = {"_MatMulInteger", "_MatMulNBits", "_Cast", "_Scale", "_Mul", "_Add", "_Lookup", "_DequantizeLinear", "/MatMulScaleFusion/"};

// What ONNX Runtime computes in blocked layout is named after the value that it makes: of a convolution and the activations that it took in,
// the last one's.
class BlockedOwners {
 public:
  explicit BlockedOwners(const ns_onnx::GraphProto& graph) {
    for (const auto& node : graph.node())
      for (const std::string& output : node.output()) makers_[output] = &node;
  }

  // Name of the operator that the node was made of; "": it is not named so.
  std::string Of(const NodeTime& node) const {
    constexpr std::string_view kEnd = "_nchwc";
    if (!node.name.ends_with(kEnd)) return "";
    const ns_onnx::NodeProto* maker = Maker(node.name.substr(0, node.name.size() - kEnd.size()));
    while (node.type == "Conv" && maker != nullptr && maker->op_type() != "Conv" && maker->input_size() > 0) maker = Maker(maker->input(0));
    return maker != nullptr ? maker->name() : "";
  }

 private:
  const ns_onnx::NodeProto* Maker(const std::string& value) const {
    auto found = makers_.find(value);
    return found == makers_.end() ? nullptr : found->second;
  }
  std::map<std::string, const ns_onnx::NodeProto*> makers_;
};

}  // namespace

std::map<std::string, double> OperatorShares(std::span<const NodeTime> nodes, std::span<const OperatorDecision> decisions,
                                             const ns_onnx::GraphProto& prepared) {
  BlockedOwners blocked(prepared);
  std::map<std::string, std::string> owners;
  std::set<std::string> operators;
  for (const OperatorDecision& decision : decisions) {
    operators.insert(decision.name);
    for (std::string_view end : kEnds) owners.emplace(decision.name + std::string(end), decision.name);
  }
  // Over what was put together: an operator may be called like another's part.
  for (const OperatorDecision& decision : decisions) owners[decision.name] = decision.name;

  double all = 0;
  for (const NodeTime& node : nodes) all += node.seconds;
  std::map<std::string, double> shares;
  for (const NodeTime& node : nodes) {
    if (all <= 0) break;
    auto owner = owners.find(node.name);
    std::string name = owner != owners.end() ? owner->second : blocked.Of(node);
    if (operators.contains(name)) shares[name] += node.seconds / all;
  }
  return shares;
}

}  // namespace ns
