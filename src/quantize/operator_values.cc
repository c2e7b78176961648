#include "quantize/operator_values.h"

#include "graph/graph_index.h"
#include "quantize/plan.h"

namespace ns {

namespace {

OperatorValues ValuesOf(const Plan& plan, const GraphIndex& index, int n) {
  const auto& node = index.node(n);
  const NodePlan& decided = plan.nodes[static_cast<size_t>(n)];
  const OpTraits& traits = decided.traits;
  OperatorValues values;
  values.name = node.name();
  bool is_static = decided.mode == OpMode::kStatic;
  if (!traits.activations.empty()) {
    values.input.emplace(OperatorValue{node.input(traits.activations[0]), std::nullopt});
    if (is_static) values.input->range = plan.Read(values.input->value, decided);
  }
  int last = n;
  while (plan.nodes[static_cast<size_t>(last)].absorbed_by >= 0) last = plan.nodes[static_cast<size_t>(last)].absorbed_by;
  values.output.emplace(OperatorValue{index.node(last).output(0), std::nullopt});
  auto made = plan.made.find(values.output->value);
  if (made != plan.made.end()) values.output->range = made->second;
  if (traits.weight >= 0) values.weight = node.input(traits.weight);
  values.channel_axis = traits.channel_axis;
  values.reads_images = traits.role == OpRole::kConvolution;
  return values;
}

}  // namespace

std::vector<OperatorValues> OperatorValuesOf(const Model& prepared, const QuantConfig& config) {
  GraphIndex index(prepared);
  Plan plan = MakePlan(prepared, index, config);
  std::vector<OperatorValues> all;
  for (int n = 0; n < index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    // Without a weight nothing tells floats from integers but that they are quantized.
    bool elementwise = node.traits.role == OpRole::kElementwise && node.mode != OpMode::kFloat;
    bool product = node.traits.role == OpRole::kMatMul && (node.traits.weight >= 0 || node.mode != OpMode::kFloat);
    if (elementwise || product || node.traits.role == OpRole::kConvolution || node.traits.role == OpRole::kEmbedding)
      all.push_back(ValuesOf(plan, index, n));
  }
  return all;
}

}  // namespace ns
