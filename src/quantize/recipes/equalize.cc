#include "quantize/recipes/equalize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "graph/attributes.h"
#include "graph/graph_index.h"
#include "quantize/ops/policy.h"
#include "quantize/recipes/channel_scale.h"

namespace ns {

namespace {

constexpr int kMostRounds = 50;
constexpr double kCloseEnough = 1e-3;
// All that a channel is rescaled by, over all rounds. A channel that training has switched off (weights of 1e-10, a bias of 0.5) would else
// get a bias that widens the range of all.
constexpr double kLargestFactor = 100;

// A layer with a constant weight, and the axes of its weight that belong to its channels.
struct Layer {
  int node = 0;
  int weight = 1;        // input
  int bias = -1;         // input; -1: none
  int output_axis = 0;
  int input_axis = 1;
  ChannelAxis channels = ChannelAxis::kSecond;  // of its activations
};

struct Pair {
  Layer first, second;
  int bias_add = -1, bias_input = 0;  // the Add behind a first MatMul
  std::vector<std::string> between;   // values
  std::vector<float> divided;         // by channel, over all rounds
};

class Equalizer {
 public:
  explicit Equalizer(RewrittenModel* rewritten) : rewritten_(*rewritten), model_(rewritten->model), index_(model_) {}

  Result<int> Run() {
    for (int n = 0; n < index_.node_count(); ++n) {
      if (auto pair = PairFrom(n)) pairs_.push_back(std::move(*pair));
    }
    for (const Pair& pair : pairs_) {
      NS_RETURN_IF_ERROR(Load(pair.first));
      NS_RETURN_IF_ERROR(Load(pair.second));
    }
    for (int round = 0; round < kMostRounds; ++round) {
      double change = 0;
      for (Pair& pair : pairs_) change = std::max(change, Equalize(&pair));
      if (change < kCloseEnough) break;
    }
    int changed = 0;
    for (const Pair& pair : pairs_) {
      bool moved = std::any_of(pair.divided.begin(), pair.divided.end(), [](float s) { return s != 1; });
      if (moved) NS_RETURN_IF_ERROR(Apply(pair));
      changed += moved ? 1 : 0;
    }
    return changed;
  }

 private:
  std::optional<Layer> LayerAt(int n) const {
    const auto& node = index_.node(n);
    OpTraits traits = TraitsOf(node, model_, index_);
    bool layer = traits.role == OpRole::kConvolution || traits.role == OpRole::kMatMul;
    if (!layer || traits.weight < 0) return std::nullopt;
    int axis = *traits.channel_axis;
    if (traits.role == OpRole::kMatMul) return Layer{n, traits.weight, traits.bias, axis, 1 - axis, ChannelAxis::kLast};
    int64_t group = IntAttribute(node, "group", 1);
    Shape shape = model_.WeightSpec(node.input(1))->shape;
    bool depthwise = group == shape[0] && shape[1] == 1;  // one output channel an input channel
    if (group != 1 && !depthwise) return std::nullopt;
    return Layer{n, traits.weight, traits.bias, 0, depthwise ? 0 : 1, ChannelAxis::kSecond};
  }

  int64_t Channels(const Layer& layer, int axis) const {
    return model_.WeightSpec(index_.node(layer.node).input(layer.weight))->shape[static_cast<size_t>(axis)];
  }

  // In each channel by itself. Values beyond a pool's border are zeros, or count nowhere.
  bool IsHomogeneous(const ns_onnx::NodeProto& node, ChannelAxis channels) const {
    if (!node.domain().empty()) return false;
    const std::string& type = node.op_type();
    bool pool = type == "MaxPool" || type == "AveragePool" || type == "GlobalMaxPool" || type == "GlobalAveragePool";
    if (pool) return channels == ChannelAxis::kSecond && node.output_size() == 1;
    if (node.op_type() == "Relu" || node.op_type() == "LeakyRelu") return true;
    return node.op_type() == "Clip" && BoundIs(node, 1, 0) && BoundIs(node, 2, std::numeric_limits<float>::infinity());
  }

  // A bound that is left out is infinite.
  bool BoundIs(const ns_onnx::NodeProto& node, int input, float wanted) const {
    if (node.input_size() <= input || node.input(input).empty()) return std::isinf(wanted);
    auto bound = model_.HasWeight(node.input(input)) ? model_.Weight(node.input(input)) : Result<Tensor>(NotFound("computed"));
    return bound.ok() && bound->dtype() == DType::kFloat && bound->count() == 1 && bound->values<float>()[0] == wanted;
  }

  std::optional<Pair> PairFrom(int n) const {
    auto first = LayerAt(n);
    if (!first) return std::nullopt;
    Pair pair;
    pair.first = *first;
    int64_t channels = Channels(*first, first->output_axis);
    std::string value = index_.node(n).output(0);
    for (const ValueUse* use = index_.OnlyUse(value); use != nullptr; use = index_.OnlyUse(value)) {
      pair.between.push_back(value);
      const auto& node = index_.node(use->node);
      if (auto second = LayerAt(use->node); second && use->input == 0) {
        pair.second = *second;
        bool fits = second->channels == first->channels && Channels(*second, second->input_axis) == channels;
        pair.divided.assign(static_cast<size_t>(channels), 1.0f);
        return fits ? std::optional(std::move(pair)) : std::nullopt;
      }
      bool bias = pair.between.size() == 1 && first->bias < 0 && first->channels == ChannelAxis::kLast && IsBias(node, use->input, channels);
      if (bias) {
        pair.bias_add = use->node;
        pair.bias_input = 1 - use->input;
      } else if (!IsHomogeneous(node, first->channels) || use->input != 0) {
        return std::nullopt;
      }
      value = node.output(0);
    }
    return std::nullopt;
  }

  bool IsBias(const ns_onnx::NodeProto& node, int value_input, int64_t channels) const {
    if (node.op_type() != "Add" || !node.domain().empty() || value_input < 0) return false;
    auto spec = model_.WeightSpec(node.input(1 - value_input));
    return spec.ok() && spec->dtype == DType::kFloat && !spec->shape.empty() && spec->shape.back() == channels &&
           ElementCount(spec->shape) == channels;
  }

  // The largest magnitudes are found in copies that the rounds rescale.
  Status Load(const Layer& layer) {
    if (weights_.contains(layer.node)) return OkStatus();
    NS_ASSIGN_OR_RETURN(Tensor weight, model_.Weight(index_.node(layer.node).input(layer.weight)));
    weights_[layer.node] = Tensor::From<float>(weight.shape(), weight.values<float>());
    return OkStatus();
  }

  // Returns how far the largest factor is from 1.
  double Equalize(Pair* pair) {
    Tensor& first = weights_.at(pair->first.node);
    Tensor& second = weights_.at(pair->second.node);
    std::vector<float> made = AbsMaximaAlong(first, pair->first.output_axis), read = AbsMaximaAlong(second, pair->second.input_axis);
    std::vector<float> factors(made.size(), 1.0f);
    double change = 0;
    for (size_t i = 0; i < made.size(); ++i) {
      if (made[i] == 0 || read[i] == 0) continue;  // a channel that nobody makes or reads
      double s = std::sqrt(static_cast<double>(made[i]) * read[i]) / read[i];
      s = std::clamp(s * pair->divided[i], 1 / kLargestFactor, kLargestFactor) / pair->divided[i];
      change = std::max(change, std::max(s, 1 / s) - 1);
      factors[i] = static_cast<float>(s);
      pair->divided[i] *= factors[i];
    }
    ScaleAlong(&first, pair->first.output_axis, Inverse(factors));
    ScaleAlong(&second, pair->second.input_axis, factors);
    return change;
  }

  Status Apply(const Pair& pair) {
    std::vector<float> inverse = Inverse(pair.divided);
    const Layer& first = pair.first;
    NS_RETURN_IF_ERROR(ApplyWeightScale(model_, {first.node, first.weight, first.output_axis, inverse}));
    if (first.bias >= 0) NS_RETURN_IF_ERROR(ApplyWeightScale(model_, {first.node, first.bias, 0, inverse}));
    if (pair.bias_add >= 0) {
      auto rank = static_cast<int>(model_.WeightSpec(index_.node(pair.bias_add).input(pair.bias_input))->shape.size());
      NS_RETURN_IF_ERROR(ApplyWeightScale(model_, {pair.bias_add, pair.bias_input, rank - 1, inverse}));
    }
    NS_RETURN_IF_ERROR(ApplyWeightScale(model_, {pair.second.node, pair.second.weight, pair.second.input_axis, pair.divided}));
    for (const std::string& value : pair.between) rewritten_.rescaled[value] = {value, first.channels, inverse};
    AddNote(first.node, fmt::format("equalized with '{}'", index_.node(pair.second.node).name()));
    AddNote(pair.second.node, fmt::format("equalized with '{}'", index_.node(first.node).name()));
    return OkStatus();
  }

  void AddNote(int n, const std::string& note) {
    std::string& all = rewritten_.notes[index_.node(n).name()];
    all += all.empty() ? note : "; " + note;
  }

  RewrittenModel& rewritten_;
  Model& model_;
  GraphIndex index_;
  std::vector<Pair> pairs_;
  std::map<int, Tensor> weights_;  // by node
};

}  // namespace

Result<int> EqualizeLayers(RewrittenModel* rewritten) { return Equalizer(rewritten).Run(); }

}  // namespace ns
