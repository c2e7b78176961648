#include "quantize/qdq_inserter.h"

#include <map>
#include <optional>
#include <set>

#include "graph/shapes.h"

namespace ns {

namespace {

class Inserter {
 public:
  Inserter(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params, const QuantConfig& config)
      : prepared_(prepared), index_(index), plan_(plan), model_(prepared.Clone()), writer_(model_, plan, params, config) {}

  Result<Model> Run() {
    for (int n = 0; n < index_.node_count(); ++n) NS_RETURN_IF_ERROR(Write(n));
    writer_.Finish();
    DeclareSums();
    return std::move(model_);
  }

 private:
  // ONNX Runtime takes a residual Add into the LayerNormalization behind it only when it sees that both sides have the same three axes,
  // and it infers less than we do.
  void DeclareSums() {
    std::set<std::string> known;
    for (const auto& info : model_.graph().value_info()) known.insert(info.name());
    for (int n = 0; n < index_.node_count(); ++n) {
      const ns_onnx::NodeProto& node = index_.node(n);
      if (node.op_type() != "Add" || !node.domain().empty() || prepared_.HasWeight(node.input(1))) continue;
      for (const std::string& value : node.input()) {
        const TensorSpec* spec = Shapes().Find(value);
        bool declared = spec != nullptr && spec->has_shape && spec->shape.size() == 3 && spec->dtype == DType::kFloat;
        if (declared && index_.Producer(value) >= 0 && !index_.IsOutput(value) && known.insert(value).second) DeclareShape(*spec);
      }
    }
  }

  void DeclareShape(const TensorSpec& spec) {
    auto* info = model_.mutable_graph().add_value_info();
    info->set_name(spec.name);
    auto* tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(static_cast<int32_t>(spec.dtype));
    for (size_t i = 0; i < spec.shape.size(); ++i) {
      auto* dim = tensor->mutable_shape()->add_dim();
      if (spec.shape[i] >= 0) {
        dim->set_dim_value(spec.shape[i]);
      } else if (i < spec.dimension_names.size() && !spec.dimension_names[i].empty()) {
        dim->set_dim_param(spec.dimension_names[i]);
      }
    }
  }

  const NodePlan& at(int n) const { return plan_.nodes[static_cast<size_t>(n)]; }

  // Whether the value leaves its producer as integers, so that float readers need a DQ.
  bool LeavesAsIntegers(const std::string& value) const {
    int producer = index_.Producer(value);
    return producer >= 0 && at(producer).integer_output && at(producer).absorbed_by < 0 && index_.node(producer).output(0) == value;
  }

  // The float form of a value for a reader that computes in float.
  Result<std::string> FloatOf(const std::string& value) {
    if (!LeavesAsIntegers(value) || index_.IsOutput(value)) return value;
    auto [entry, added] = float_of_.try_emplace(value);
    if (added) {
      NS_ASSIGN_OR_RETURN(entry->second, writer_.Dequantized(value, plan_.made.at(value), value));
    }
    return entry->second;
  }

  std::vector<int> AbsorbedInputs(int n) const {
    int producer = index_.node(n).input_size() > 0 ? index_.Producer(index_.node(n).input(0)) : -1;
    return producer >= 0 && at(producer).absorbed_by == n ? std::vector<int>{0} : std::vector<int>{};
  }

  Status Write(int n) {
    const ns_onnx::NodeProto& node = index_.node(n);
    const NodePlan& plan = at(n);
    if (plan.mode == OpMode::kDynamic) {
      NS_ASSIGN_OR_RETURN(std::string input, FloatOf(node.input(plan.traits.activations[0])));
      return writer_.EmitDynamic(node, plan, input, node.output(0));
    }
    if (plan.mode == OpMode::kWeightOnlyInt4) {
      NS_ASSIGN_OR_RETURN(std::string input, FloatOf(node.input(plan.traits.activations[0])));
      return writer_.EmitBlocks(node, plan, input, node.output(0));
    }
    bool table = plan.traits.role == OpRole::kEmbedding;
    if (plan.mode == OpMode::kWeightOnly && table) return writer_.EmitEmbedding(node, plan, node.output(0));
    if (plan.mode == OpMode::kStatic) return WriteStatic(n);
    ns_onnx::NodeProto copy = node;
    for (int i = 0; i < node.input_size(); ++i) {
      if (node.input(i).empty()) continue;
      NS_ASSIGN_OR_RETURN(*copy.mutable_input(i), FloatOf(node.input(i)));
    }
    if (plan.mode == OpMode::kWeightOnly) NS_RETURN_IF_ERROR(writer_.UnpackWeight(node, plan, &copy));
    if (auto bias = biases_.find(n); bias != biases_.end()) copy.set_input(1, bias->second);
    writer_.EmitCopy(copy);
    return OkStatus();
  }

  enum class BiasForm { kAsItIs, kWidened, kInteger };

  // The form with which ONNX Runtime still sees a product of integers (docs/design/dependencies.md): it turns MatMul and Add into a Gemm,
  // which needs the bias in int32; not so where the bias has three axes, which costs nothing at run time.
  BiasForm FormOf(int product, const std::string& bias) {
    int rank = Shapes().Rank(index_.node(product).input(0));
    size_t axes = prepared_.WeightSpec(bias)->shape.size();
    if (axes > 1 && (rank >= 3 || static_cast<int>(axes) > rank)) return BiasForm::kAsItIs;
    return rank >= 3 ? BiasForm::kWidened : BiasForm::kInteger;
  }

  Status MakeStatic(int n, ns_onnx::NodeProto* copy) {
    const ns_onnx::NodeProto& node = index_.node(n);
    int add = at(n).bias_add;
    std::string bias = add < 0 ? "" : index_.node(add).input(1);
    BiasForm form = add < 0 ? BiasForm::kAsItIs : FormOf(n, bias);
    NS_ASSIGN_OR_RETURN(std::string integers,
                        writer_.MakeStatic(node, at(n), AbsorbedInputs(n), copy, form == BiasForm::kInteger ? bias : ""));
    if (form == BiasForm::kInteger) biases_[add] = integers;
    if (form == BiasForm::kWidened) {
      NS_ASSIGN_OR_RETURN(biases_[add], writer_.WidenedBias(bias));
    }
    return OkStatus();
  }

  const ShapeMap& Shapes() {
    if (!shapes_) shapes_ = ShapeMap::Infer(prepared_);
    return *shapes_;
  }

  Status WriteStatic(int n) {
    const ns_onnx::NodeProto& node = index_.node(n);
    ns_onnx::NodeProto copy = node;
    NS_RETURN_IF_ERROR(MakeStatic(n, &copy));
    const std::string& value = node.output(0);
    if (!LeavesAsIntegers(value) || !index_.IsOutput(value)) {
      writer_.EmitCopy(copy);
      return OkStatus();
    }
    // A model output keeps its name: what was computed gets another, and the DQ makes the output.
    std::string computed = model_.UniqueName(value + "_float");
    copy.set_output(0, computed);
    writer_.EmitCopy(copy);
    return writer_.Dequantized(value, plan_.made.at(value), computed, value).status();
  }

  const Model& prepared_;
  const GraphIndex& index_;
  const Plan& plan_;
  Model model_;
  QdqWriter writer_;
  std::map<std::string, std::string> float_of_;
  std::map<int, std::string> biases_;  // by position of the Add: what it adds in the place of the constant
  std::optional<ShapeMap> shapes_;     // inferred when a bias asks
};

class TwinMaker {
 public:
  TwinMaker(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params, const QuantConfig& config)
      : index_(index), plan_(plan), params_(params), model_(prepared.Clone()), writer_(model_, plan, params, config) {}

  Result<TwinModel> Run() {
    for (int n = 0; n < index_.node_count(); ++n) writer_.EmitCopy(index_.node(n));
    for (int n = 0; n < index_.node_count(); ++n) {
      const NodePlan& plan = plan_.nodes[static_cast<size_t>(n)];
      bool computes = plan.traits.role != OpRole::kPassThrough && plan.traits.role != OpRole::kActivation;
      if (plan.mode != OpMode::kFloat && computes) NS_RETURN_IF_ERROR(Twin(n, plan));
    }
    writer_.Finish();
    for (const auto& pair : pairs_) {
      AddFloatOutput(model_, pair.exact);
      AddFloatOutput(model_, pair.twin);
    }
    return TwinModel{std::move(model_), std::move(pairs_)};
  }

 private:
  Status Twin(int n, const NodePlan& plan) {
    const ns_onnx::NodeProto& node = index_.node(n);
    std::string twin = model_.UniqueName(node.output(0) + "_twin");
    pairs_.push_back({n, node.output(0), twin});
    if (plan.mode == OpMode::kDynamic) return writer_.EmitDynamic(node, plan, node.input(plan.traits.activations[0]), twin);
    if (plan.mode == OpMode::kWeightOnlyInt4) return writer_.EmitBlocks(node, plan, node.input(plan.traits.activations[0]), twin);
    if (plan.traits.role == OpRole::kEmbedding) return writer_.EmitEmbedding(node, plan, twin);
    ns_onnx::NodeProto copy = node;
    copy.set_name(model_.UniqueName(node.name() + "_twin"));
    if (plan.mode == OpMode::kWeightOnly) {
      copy.set_output(0, twin);
      NS_RETURN_IF_ERROR(writer_.UnpackWeight(node, plan, &copy));
      writer_.EmitCopy(copy);
      return OkStatus();
    }
    NS_RETURN_IF_ERROR(writer_.MakeStatic(node, plan, {}, &copy).status());
    std::string result = twin;
    if (plan.integer_output) result = model_.UniqueName(twin + "_computed");
    copy.set_output(0, result);
    writer_.EmitCopy(copy);
    if (!plan.integer_output) return OkStatus();
    std::string value = node.output(0);
    for (int next = plan.absorbed_by; next >= 0; next = plan_.nodes[static_cast<size_t>(next)].absorbed_by) {
      ns_onnx::NodeProto activation = index_.node(next);
      value = activation.output(0);
      activation.set_name(model_.UniqueName(activation.name() + "_twin"));
      activation.set_input(0, result);
      result = model_.UniqueName(twin + "_activated");
      activation.set_output(0, result);
      writer_.EmitCopy(activation);
      pairs_.back().exact = value;
    }
    return RoundTrip(value, result, twin);
  }

  // `twin` = `computed` rounded to the integers of `value`.
  Status RoundTrip(const std::string& value, const std::string& computed, const std::string& twin) {
    const QuantParams& params = params_.at(plan_.made.at(value));
    std::string scale = model_.UniqueName(twin + "_scale"), zero = model_.UniqueName(twin + "_zero_point");
    model_.SetWeight(scale, Tensor::From<float>({}, std::span<const float>(params.scale)));
    model_.SetWeight(zero, Tensor::From<uint8_t>({}, {static_cast<uint8_t>(params.zero_point[0])}));
    std::string integers = model_.UniqueName(twin + "_quantized");
    writer_.Emit("QuantizeLinear", {computed, scale, zero}, {integers});
    writer_.Emit("DequantizeLinear", {integers, scale, zero}, {twin});
    return OkStatus();
  }

  const GraphIndex& index_;
  const Plan& plan_;
  const ActivationParams& params_;
  Model model_;
  QdqWriter writer_;
  std::vector<TwinModel::Pair> pairs_;
};

}  // namespace

Result<Model> InsertQuantization(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params,
                                 const QuantConfig& config) {
  return Inserter(prepared, index, plan, params, config).Run();
}

Result<TwinModel> MakeTwins(const Model& prepared, const GraphIndex& index, const Plan& plan, const ActivationParams& params,
                            const QuantConfig& config) {
  return TwinMaker(prepared, index, plan, params, config).Run();
}

void AddFloatOutput(Model& model, const std::string& value) {
  for (const auto& output : model.graph().output()) {
    if (output.name() == value) return;
  }
  auto* output = model.mutable_graph().add_output();
  output->set_name(value);
  output->mutable_type()->mutable_tensor_type()->set_elem_type(static_cast<int32_t>(DType::kFloat));
}

}  // namespace ns
