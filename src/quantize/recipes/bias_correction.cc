#include "quantize/recipes/bias_correction.h"

#include <optional>

#include "graph/attributes.h"
#include "quantize/params.h"

namespace ns {

namespace {

// Where an operator's bias is.
struct BiasPlace {
  int node = 0;
  int input = 0;
  bool absent = false;  // the operator has none yet
};

std::optional<BiasPlace> FindBias(const Model& model, const GraphIndex& index, int n, const OpTraits& traits, int64_t channels) {
  const auto& node = index.node(n);
  if (traits.bias >= 0) return BiasPlace{n, traits.bias};
  if (node.op_type() != "MatMul") return BiasPlace{n, 2, true};
  const ValueUse* use = index.OnlyUse(node.output(0));
  if (use == nullptr || use->input < 0) return std::nullopt;
  const auto& add = index.node(use->node);
  if (add.op_type() != "Add" || !add.domain().empty()) return std::nullopt;
  auto spec = model.WeightSpec(add.input(1 - use->input));
  bool vector = spec.ok() && spec->dtype == DType::kFloat && !spec->shape.empty() && spec->shape.back() == channels &&
                ElementCount(spec->shape) == channels;
  return vector ? std::optional(BiasPlace{use->node, 1 - use->input}) : std::nullopt;
}

// The input channel of each weight element, for a layer whose weight is [M, C/group, ...] or a matrix.
struct InputChannels {
  int axis = 1;
  int64_t per_group = 0, outputs_per_group = 0;  // grouped convolution; 0: the index on `axis` is the channel

  size_t Of(size_t output, size_t index) const {
    return per_group == 0 ? index : output / static_cast<size_t>(outputs_per_group) * static_cast<size_t>(per_group) + index;
  }
};

InputChannels ChannelsOf(const ns_onnx::NodeProto& node, const OpTraits& traits, const Shape& weight) {
  if (traits.role == OpRole::kMatMul) return {1 - *traits.channel_axis, 0, 0};
  return {1, weight[1], weight[0] / IntAttribute(node, "group", 1)};
}

// sum over the weight of (W' - W) E[x] for each output channel.
std::vector<double> Shift(const Tensor& weight, const QuantizedWeight& rounded, int output_axis, const InputChannels& inputs,
                          const std::vector<double>& means) {
  const Shape& shape = weight.shape();
  auto outputs = static_cast<size_t>(shape[static_cast<size_t>(output_axis)]);
  auto size = static_cast<size_t>(shape[static_cast<size_t>(inputs.axis)]);
  size_t inner = static_cast<size_t>(weight.count()) / outputs / size;  // of a kernel
  const float* exact = weight.values<float>().data();
  const int8_t* integers = rounded.values.values<int8_t>().data();
  std::vector<double> shift(outputs, 0);
  for (size_t o = 0; o < outputs; ++o) {
    double scale = rounded.params.scale[rounded.params.axis ? o : 0];
    for (size_t i = 0; i < size; ++i) {
      double error = 0;
      for (size_t k = 0; k < inner; ++k) {
        size_t at = output_axis == 0 ? (o * size + i) * inner + k : i * outputs + o;
        error += integers[at] * scale - exact[at];
      }
      shift[o] += error * means[inputs.Of(o, i)];
    }
  }
  return shift;
}

}  // namespace

Result<std::map<std::string, std::vector<float>>> BiasCorrections(const Model& model, const GraphIndex& index, const Plan& plan,
                                                                  const QuantConfig& config, const ChannelMeans& means,
                                                                  const InputScale& scale) {
  std::map<std::string, std::vector<float>> corrections;
  for (int n = 0; n < index.node_count(); ++n) {
    const NodePlan& node = plan.nodes[static_cast<size_t>(n)];
    const OpTraits& traits = node.traits;
    bool layer = traits.role == OpRole::kConvolution || traits.role == OpRole::kMatMul;
    if (!layer || traits.weight < 0 || node.mode == OpMode::kFloat || node.mode == OpMode::kWeightOnlyInt4) continue;
    NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(index.node(n).input(traits.weight)));
    if (!FindBias(model, index, n, traits, weight.shape()[static_cast<size_t>(*traits.channel_axis)])) continue;
    ChannelAxis axis = traits.role == OpRole::kConvolution ? ChannelAxis::kSecond : ChannelAxis::kLast;
    NS_ASSIGN_OR_RETURN(std::vector<double> mean, means(index.node(n).input(traits.activations[0]), axis));
    std::vector<float> smallest;
    if (node.mode == OpMode::kStatic && traits.bias >= 0) {
      NS_ASSIGN_OR_RETURN(Tensor bias, model.Weight(index.node(n).input(traits.bias)));
      NS_ASSIGN_OR_RETURN(float input_scale, scale(plan.Read(index.node(n).input(traits.activations[0]), node)));
      smallest = SmallestScales(bias.values<float>(), input_scale);
    }
    NS_ASSIGN_OR_RETURN(QuantizedWeight rounded, QuantizeWeight(weight.view(), WeightOptionsOf(node, config, smallest)));
    std::vector<float>& correction = corrections[index.node(n).name()];
    InputChannels inputs = ChannelsOf(index.node(n), traits, weight.shape());
    for (double shift : Shift(weight, rounded, *traits.channel_axis, inputs, mean)) correction.push_back(static_cast<float>(-shift));
  }
  return corrections;
}

Status ApplyBiasCorrections(const std::map<std::string, std::vector<float>>& corrections, Model* model) {
  GraphIndex index(*model);
  std::vector<std::pair<BiasPlace, std::pair<std::string, std::vector<float>>>> changes;
  for (int n = 0; n < index.node_count(); ++n) {
    auto entry = corrections.find(index.node(n).name());
    if (entry == corrections.end()) continue;
    OpTraits traits = TraitsOf(index.node(n), *model, index);
    auto channels = static_cast<int64_t>(entry->second.size());
    auto place = FindBias(*model, index, n, traits, channels);
    auto weight = traits.weight >= 0 ? model->WeightSpec(index.node(n).input(traits.weight)) : Result<TensorSpec>(NotFound("none"));
    if (!place || !weight.ok() || weight->shape[static_cast<size_t>(*traits.channel_axis)] != channels) {
      return InvalidArgument(fmt::format("{} corrections are given for '{}', which has no such bias", channels, entry->first), "BAD_FACTS");
    }
    changes.push_back({*place, *entry});
  }
  for (const auto& [place, change] : changes) {
    auto& node = *model->mutable_graph().mutable_node(place.node);
    Tensor bias(DType::kFloat, {static_cast<int64_t>(change.second.size())});
    if (!place.absent) {
      NS_ASSIGN_OR_RETURN(Tensor old, model->Weight(node.input(place.input)));
      bias = Tensor::From<float>(old.shape(), old.values<float>());
    }
    auto values = bias.mutable_values<float>();
    for (size_t o = 0; o < values.size(); ++o) values[o] += change.second[o];
    std::string name = model->UniqueName((place.absent ? change.first + "_bias" : node.input(place.input)) + "_corrected");
    model->SetWeight(name, std::move(bias));
    while (node.input_size() <= place.input) node.add_input("");
    node.set_input(place.input, name);
  }
  return OkStatus();
}

}  // namespace ns
