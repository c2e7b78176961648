#include "quantize/plan.h"

#include <algorithm>

namespace ns {

namespace {

class Planner {
 public:
  Planner(const Model& model, const GraphIndex& index, const QuantConfig& config) : model_(model), index_(index), config_(config) {}

  Plan Run() {
    plan_.nodes.resize(static_cast<size_t>(index_.node_count()));
    for (int n = 0; n < index_.node_count(); ++n) ChooseAlone(n);
    for (int n = 0; n < index_.node_count(); ++n) FindAbsorbed(n);
    while (DropFollowers()) {
    }
    for (int n = 0; n < index_.node_count(); ++n) QuantizeEdges(n);
    for (int n = 0; n < index_.node_count(); ++n) FindBias(n);
    for (int n = 0; n < index_.node_count(); ++n) Explain(n);
    return std::move(plan_);
  }

 private:
  NodePlan& at(int n) { return plan_.nodes[static_cast<size_t>(n)]; }
  const std::string& Input(int n, int position) const { return index_.node(n).input(position); }
  const std::string& Output(int n) const { return index_.node(n).output(0); }

  OpMode Wanted(int n) { return at(n).config.mode; }

  // What the node would do, whatever its neighbours do.
  void ChooseAlone(int n) {
    NodePlan& node = at(n);
    node.traits = TraitsOf(index_.node(n), model_, index_);
    node.config = Effective(config_.Of(index_.node(n).name()));
    const OpTraits& traits = node.traits;
    OpMode wanted = Wanted(n);
    switch (traits.role) {
      case OpRole::kNone: return;
      case OpRole::kEmbedding:
        if (config_.quantize_embeddings && wanted != OpMode::kFloat) node.mode = OpMode::kWeightOnly;
        return;
      case OpRole::kConvolution:
      case OpRole::kMatMul:
        if (wanted == OpMode::kStatic && traits.can_static && (!traits.two_activations || config_.quantize_attention)) {
          node.mode = OpMode::kStatic;
        }
        if (wanted == OpMode::kDynamic && traits.can_dynamic) node.mode = OpMode::kDynamic;
        if (wanted == OpMode::kWeightOnly && traits.can_weight_only) node.mode = OpMode::kWeightOnly;
        if (wanted == OpMode::kWeightOnlyInt4 && traits.can_weight_only_int4) node.mode = OpMode::kWeightOnlyInt4;
        node.integer_output = node.mode == OpMode::kStatic && traits.role == OpRole::kConvolution;
        return;
      case OpRole::kElementwise:
      case OpRole::kActivation:
      case OpRole::kPassThrough:
        // Followers: assumed static until a neighbour says otherwise. Only those that compute can be kept in float by name.
        if (traits.role == OpRole::kElementwise && wanted == OpMode::kFloat) return;
        node.mode = OpMode::kStatic;
        node.integer_output = true;
        return;
    }
  }

  // A Relu or Clip that alone reads the output of an integer kernel disappears in that output's quantization.
  void FindAbsorbed(int n) {
    NodePlan& node = at(n);
    bool computes = node.traits.role == OpRole::kConvolution || node.traits.role == OpRole::kElementwise ||
                    node.traits.role == OpRole::kActivation;  // a Relu before a Clip
    if (node.mode != OpMode::kStatic || !computes) return;
    const ValueUse* use = index_.OnlyUse(Output(n));
    if (use == nullptr || use->input != 0) return;
    if (at(use->node).traits.role == OpRole::kActivation && at(use->node).mode == OpMode::kStatic) node.absorbed_by = use->node;
  }

  bool MakesInteger(std::string_view value) {
    int producer = index_.Producer(value);
    return producer >= 0 && at(producer).mode == OpMode::kStatic && at(producer).integer_output && Output(producer) == value;
  }

  bool ReadsInteger(const ValueUse& use) {
    const NodePlan& reader = at(use.node);
    if (reader.mode != OpMode::kStatic) return false;
    for (int position : reader.traits.activations) {
      if (position == use.input) return true;
    }
    return false;
  }

  bool AllReadersInteger(const std::string& value) {
    if (index_.IsOutput(value)) return false;
    for (const ValueUse& use : index_.Uses(value)) {
      if (!ReadsInteger(use)) return false;
    }
    return true;
  }

  // An Add, pool, Relu ... stays static only between integers.
  bool Fits(int n) {
    const NodePlan& node = at(n);
    for (int position : node.traits.activations) {
      if (!MakesInteger(Input(n, position))) return false;
    }
    if (node.traits.role == OpRole::kActivation) {
      int producer = index_.Producer(Input(n, 0));
      if (producer >= 0 && at(producer).absorbed_by == n) return true;
    }
    return AllReadersInteger(Output(LastAbsorbing(n)));
  }

  // The node whose output stands for this one's: itself, or the last of the activations that follow.
  int LastAbsorbing(int n) {
    while (at(n).absorbed_by >= 0) n = at(n).absorbed_by;
    return n;
  }

  bool DropFollowers() {
    bool dropped = false;
    for (int n = 0; n < index_.node_count(); ++n) {
      NodePlan& node = at(n);
      bool follower = node.traits.role == OpRole::kElementwise || node.traits.role == OpRole::kActivation ||
                      node.traits.role == OpRole::kPassThrough;
      if (!follower || node.mode != OpMode::kStatic || Fits(n)) continue;
      node.mode = OpMode::kFloat;
      node.integer_output = false;
      node.absorbed_by = -1;
      node.why = "only its neighbours in float: integers would be unpacked and packed again";
      for (NodePlan& other : plan_.nodes) {
        if (other.absorbed_by == n) other.absorbed_by = -1;
      }
      dropped = true;
    }
    return dropped;
  }

  void QuantizeEdges(int n) {
    const NodePlan& node = at(n);
    if (node.mode != OpMode::kStatic) return;
    for (int position : node.traits.activations) {
      const std::string& value = Input(n, position);
      int producer = index_.Producer(value);
      if (producer >= 0 && at(producer).absorbed_by == n) continue;  // float inside the fused kernel
      plan_.ranges.insert(plan_.Read(value, node));
    }
    if (!node.integer_output || node.absorbed_by >= 0) return;
    bool moves = node.traits.role == OpRole::kPassThrough;
    // Nodes are in topological order, so the input's entry is there.
    RangeId range = moves ? plan_.Read(Input(n, 0), node) : RangeId{Output(n), at(FirstAbsorbed(n)).config.calibration};
    plan_.made[Output(n)] = range;
    plan_.ranges.insert(std::move(range));
  }

  // The operator in whose kernel this one disappears, and so whose treatment counts: itself, when it absorbs nothing.
  int FirstAbsorbed(int n) {
    while (true) {
      int producer = index_.Producer(Input(n, 0));
      if (producer < 0 || at(producer).absorbed_by != n) return n;
      n = producer;
    }
  }

  // The Add's second operand: passes/order_operands put it there.
  void FindBias(int n) {
    NodePlan& node = at(n);
    bool product = node.mode == OpMode::kStatic && node.traits.role == OpRole::kMatMul && node.traits.weight >= 0 && node.traits.bias < 0;
    const ValueUse* use = product ? index_.OnlyUse(Output(n)) : nullptr;
    if (use == nullptr || use->input != 0) return;
    const ns_onnx::NodeProto& add = index_.node(use->node);
    if (!add.domain().empty() || add.op_type() != "Add" || !model_.HasWeight(add.input(1))) return;
    auto bias = model_.WeightSpec(add.input(1));
    auto weight = model_.WeightSpec(Input(n, node.traits.weight));
    if (!bias.ok() || !weight.ok() || bias->dtype != DType::kFloat || bias->shape.empty()) return;
    int64_t channels = weight->shape[static_cast<size_t>(*node.traits.channel_axis)];
    if (bias->shape.back() == channels && ElementCount(bias->shape) == channels) node.bias_add = use->node;
  }

  void Explain(int n) {
    NodePlan& node = at(n);
    if (node.mode == OpMode::kWeightOnly) {
      bool table = node.traits.role == OpRole::kEmbedding;
      node.why = table ? "table kept in int8, rows unpacked when looked up" : "weight kept in int8, unpacked inside the float kernel";
    }
    if (node.mode == OpMode::kWeightOnlyInt4) {
      node.why = fmt::format("weight kept in 4 bits, blocks of {} with a scale{}; inputs rounded to 8 bits inside the kernel", node.config.block,
                             node.config.zero_points ? " and a zero point" : "");
    }
    if (node.mode == OpMode::kDynamic) node.why = "int8 weights, input quantized at run time by its own range";
    if (node.mode == OpMode::kStatic) {
      node.why = node.integer_output ? "int8 kernel between int8 neighbours" : "int8 kernel, float output";
      if (node.traits.role == OpRole::kConvolution) node.why = "int8 kernel, int8 output";
    }
    if (node.mode != OpMode::kFloat || !node.why.empty()) return;
    if (Wanted(n) == OpMode::kFloat && node.traits.role != OpRole::kNone) {
      node.why = "kept in float by the configuration";
    } else if (node.traits.two_activations && Wanted(n) == OpMode::kStatic) {
      node.why = "a product of two computed tensors: packing both costs more than the integer product saves";
    } else if (!node.traits.why_not.empty()) {
      node.why = node.traits.why_not;
    } else {
      node.why = "no integer kernel pays for it";
    }
  }

  const Model& model_;
  const GraphIndex& index_;
  const QuantConfig& config_;
  Plan plan_;
};

}  // namespace

RangeId Plan::Read(const std::string& value, const NodePlan& reader) const {
  auto entry = made.find(value);
  return entry == made.end() ? RangeId{value, reader.config.calibration} : entry->second;
}

WeightOptions WeightOptionsOf(const NodePlan& node, const QuantConfig& config, const std::vector<float>& min_scale) {
  WeightOptions options;
  if (node.config.per_channel) options.axis = node.traits.channel_axis;
  // Only where sums of products must fit.
  options.reduce_range = config.reduce_range && node.mode != OpMode::kWeightOnly;
  options.min_scale = min_scale;
  if (!options.axis && !min_scale.empty()) options.min_scale = {*std::max_element(min_scale.begin(), min_scale.end())};
  return options;
}

Plan MakePlan(const Model& model, const GraphIndex& index, const QuantConfig& config) { return Planner(model, index, config).Run(); }

}  // namespace ns
