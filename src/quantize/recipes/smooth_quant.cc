#include "quantize/recipes/smooth_quant.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "graph/attributes.h"
#include "graph/edit.h"
#include "graph/graph_index.h"
#include "quantize/plan.h"
#include "quantize/recipes/channel_scale.h"

namespace ns {

namespace {

// A Mul before the products costs a pass over the activation: it has to halve the noise (3 dB) of products with some work.
constexpr double kLeastGainDb = 3;
constexpr int64_t kLeastColumns = 64;

// A product with a constant weight, and which of its axes belongs to the input channels.
struct Product {
  int node = 0;
  int weight = 1;  // input
  int axis = 0;
};

struct Group {
  std::string value;                // that they read
  std::vector<Product> quantized;   // in graph order
};

// Where a division of a value's channels goes, if it can be folded.
struct Fold {
  std::vector<WeightScale> divide;    // factors still empty: to be divided
  std::vector<WeightScale> multiply;  // the other readers, to be multiplied
};

class Smoother {
 public:
  Smoother(const QuantConfig& config, const ChannelMagnitudes& magnitudes, const std::map<std::string, std::vector<float>>* given,
           RewrittenModel* rewritten)
      : config_(config),
        magnitudes_(magnitudes),
        given_(given),
        rewritten_(*rewritten),
        model_(rewritten->model),
        index_(model_),
        plan_(MakePlan(model_, index_, config)) {}

  Result<std::map<std::string, std::vector<float>>> Run() {
    for (const Group& group : Groups()) NS_RETURN_IF_ERROR(Decide(group));
    for (const WeightScale& scale : scales_) NS_RETURN_IF_ERROR(ApplyWeightScale(model_, scale));
    for (const auto& [group, factors] : inserted_) Insert(group, factors);
    if (!inserted_.empty()) NS_RETURN_IF_ERROR(SortNodes(model_.mutable_graph()));
    return std::move(used_);
  }

 private:
  const NodePlan& at(int n) const { return plan_.nodes[static_cast<size_t>(n)]; }

  std::optional<Product> AsProduct(int n) const {
    const OpTraits& traits = at(n).traits;
    if (traits.role != OpRole::kMatMul || traits.weight < 0) return std::nullopt;
    return Product{n, traits.weight, 1 - *traits.channel_axis};
  }

  std::vector<Group> Groups() const {
    std::vector<Group> groups;
    std::map<std::string, size_t> known;
    for (int n = 0; n < index_.node_count(); ++n) {
      auto product = AsProduct(n);
      bool wanted = at(n).mode == OpMode::kStatic || at(n).mode == OpMode::kDynamic;
      if (!product || !wanted) continue;
      const std::string& value = index_.node(n).input(at(n).traits.activations[0]);
      auto [entry, added] = known.try_emplace(value, groups.size());
      if (added) groups.push_back({value, {}});
      groups[entry->second].quantized.push_back(*product);
    }
    return groups;
  }

  Result<double> AlphaOf(const Group& group) const {
    double alpha = config_.smooth_quant->alpha;
    for (const Product& product : group.quantized) {
      auto entry = config_.smooth_quant->alphas.find(index_.node(product.node).name());
      if (entry == config_.smooth_quant->alphas.end()) continue;
      alpha = entry->second;
      break;
    }
    if (alpha >= 0 && alpha <= 1) return alpha;
    return InvalidArgument(fmt::format("SmoothQuant's alpha is {}, expected 0 to 1", alpha), "BAD_ALPHA");
  }

  Result<std::vector<float>> Factors(const Group& group, std::span<const float> activation, std::span<const Tensor> weights) const {
    NS_ASSIGN_OR_RETURN(double alpha, AlphaOf(group));
    std::vector<float> weight(activation.size(), 0);
    for (size_t i = 0; i < weights.size(); ++i) {
      std::vector<float> maxima = AbsMaximaAlong(weights[i], group.quantized[i].axis);
      for (size_t j = 0; j < weight.size(); ++j) weight[j] = std::max(weight[j], maxima[j]);
    }
    std::vector<float> factors;
    for (size_t j = 0; j < activation.size(); ++j) {
      bool both = activation[j] > 0 && weight[j] > 0;  // else there is nothing to move
      double factor = both ? std::pow(activation[j], alpha) / std::pow(weight[j], 1 - alpha) : 1;
      factors.push_back(static_cast<float>(std::clamp(factor, 1e-5, 1e5)));
    }
    return factors;
  }

  // Noise that both roundings leave in the products' results, up to a constant: of the activation, max|X|^2 sum W^2; of the weights with a
  // scale a column, sum_n max_j|W_jn|^2 sum_j X_j^2, taking X_j to be spread as a bell of three deviations.
  double Noise(const Group& group, std::span<const float> activation, std::span<const Tensor> weights, std::span<const float> factors) const {
    double largest = 0, energy = 0;
    for (size_t j = 0; j < activation.size(); ++j) {
      double x = activation[j] / factors[j];
      largest = std::max(largest, x);
      energy += x * x / 9;
    }
    double noise = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      double squares = 0;
      ForEachAlong(weights[i], group.quantized[i].axis, [&](float w, size_t j) { squares += std::pow(static_cast<double>(w) * factors[j], 2); });
      size_t columns = static_cast<size_t>(weights[i].count()) / activation.size(), at = 0;
      std::vector<double> column(columns, 0);
      bool columns_last = group.quantized[i].axis == 0;
      ForEachAlong(weights[i], group.quantized[i].axis, [&](float w, size_t j) {
        double& most = column[columns_last ? at % columns : at / activation.size()];
        most = std::max(most, std::fabs(static_cast<double>(w) * factors[j]));
        ++at;
      });
      noise += largest * largest * squares;
      for (double most : column) noise += most * most * energy;
    }
    return noise;
  }

  Status Decide(const Group& group) {
    std::optional<Fold> fold = FindFold(group);
    NS_ASSIGN_OR_RETURN(std::optional<std::vector<float>> factors, given_ != nullptr ? Given(group) : Computed(group, fold.has_value()));
    if (!factors) return OkStatus();
    Use(group, fold, *factors);
    used_[group.value] = std::move(*factors);
    return OkStatus();
  }

  Result<std::optional<std::vector<float>>> Given(const Group& group) const {
    auto entry = given_->find(group.value);
    if (entry == given_->end()) return std::optional<std::vector<float>>();
    auto size = static_cast<int64_t>(entry->second.size());
    if (size == Channels(group)) return std::optional(entry->second);
    return InvalidArgument(fmt::format("{} factors are given for the {} channels of '{}'", size, Channels(group), group.value), "BAD_FACTS");
  }

  // None: what would have to be inserted does not pay.
  Result<std::optional<std::vector<float>>> Computed(const Group& group, bool folds) {
    NS_ASSIGN_OR_RETURN(std::vector<float> activation, magnitudes_(group.value));
    std::vector<Tensor> weights;
    int64_t columns = 0;
    for (const Product& product : group.quantized) {
      NS_ASSIGN_OR_RETURN(Tensor weight, model_.Weight(index_.node(product.node).input(product.weight)));
      columns += weight.shape()[static_cast<size_t>(1 - product.axis)];
      weights.push_back(std::move(weight));
    }
    NS_ASSIGN_OR_RETURN(std::vector<float> factors, Factors(group, activation, weights));
    if (folds) return std::optional(std::move(factors));
    std::vector<float> ones(factors.size(), 1.0f);
    double gain = 10 * std::log10(Noise(group, activation, weights, ones) / Noise(group, activation, weights, factors));
    bool pays = gain >= kLeastGainDb && columns >= kLeastColumns;
    Note(group, fmt::format("{} a multiplication before it, which {} {:.1f} dB", pays ? "smoothed by" : "not smoothed: that takes",
                            pays ? "wins" : "would win", gain));
    return pays ? std::optional(std::move(factors)) : std::nullopt;
  }

  void Note(const Group& group, const std::string& note) {
    for (const Product& product : group.quantized) rewritten_.notes[index_.node(product.node).name()] = note;
  }

  void Use(const Group& group, const std::optional<Fold>& fold, const std::vector<float>& factors) {
    std::vector<float> inverse = Inverse(factors);
    for (const Product& product : group.quantized) scales_.push_back({product.node, product.weight, product.axis, factors});
    if (!fold) {
      inserted_.emplace_back(group, inverse);
      return;
    }
    for (WeightScale scale : fold->divide) {
      scale.factors = inverse;
      scales_.push_back(std::move(scale));
    }
    for (WeightScale scale : fold->multiply) {
      scale.factors = factors;
      scales_.push_back(std::move(scale));
    }
    Rescale(group.value, group.value, inverse);
    Note(group, fmt::format("smoothed, folded into '{}'", index_.ProducerNode(group.value)->name()));
  }

  void Rescale(const std::string& value, const std::string& source, const std::vector<float>& factors) {
    RescaledValue rescaled{source, ChannelAxis::kLast, factors};
    if (auto earlier = rewritten_.rescaled.find(source); earlier != rewritten_.rescaled.end()) {
      rescaled.source = earlier->second.source;
      for (size_t j = 0; j < factors.size(); ++j) rescaled.factors[j] *= earlier->second.factors[j];
    }
    rewritten_.rescaled[value] = std::move(rescaled);
  }

  void Insert(const Group& group, const std::vector<float>& inverse) {
    std::string scale = model_.UniqueName(group.value + "_smooth_scale"), output = model_.UniqueName(group.value + "_smoothed");
    model_.SetWeight(scale, Tensor::From<float>({static_cast<int64_t>(inverse.size())}, std::span<const float>(inverse)));
    AddNode(model_.mutable_graph(), "Mul", {group.value, scale}, {output}, model_.UniqueName(group.value + "_smooth"));
    for (const Product& product : group.quantized) model_.mutable_graph().mutable_node(product.node)->set_input(0, output);
    Rescale(output, group.value, inverse);
  }

  // How many channels the group's value has.
  int64_t Channels(const Group& group) const {
    const Product& first = group.quantized[0];
    return model_.WeightSpec(index_.node(first.node).input(first.weight))->shape[static_cast<size_t>(first.axis)];
  }

  std::optional<Fold> FindFold(const Group& group) const {
    Fold fold;
    if (index_.IsOutput(group.value)) return std::nullopt;
    int64_t channels = Channels(group);
    for (const ValueUse& use : index_.Uses(group.value)) {
      bool grouped = std::any_of(group.quantized.begin(), group.quantized.end(), [&](const Product& product) { return product.node == use.node; });
      if (grouped) continue;
      auto compensated = Compensated(use, channels);
      if (!compensated) return std::nullopt;
      fold.multiply.push_back(*compensated);
    }
    return FoldInto(group.value, channels, &fold) ? std::optional(fold) : std::nullopt;
  }

  // The weight of another reader that can take the factors: of a product in float, or the constant of a Mul.
  std::optional<WeightScale> Compensated(const ValueUse& use, int64_t channels) const {
    if (use.input < 0) return std::nullopt;
    if (auto product = AsProduct(use.node); product && use.input == 0) return WeightScale{product->node, product->weight, product->axis, {}};
    const auto& node = index_.node(use.node);
    if (node.op_type() != "Mul" || !node.domain().empty()) return std::nullopt;
    return VectorInput(use.node, 1 - use.input, channels);
  }

  // Input `position`, when it is a float weight of one value a channel on its last axis.
  std::optional<WeightScale> VectorInput(int n, int position, int64_t channels) const {
    const auto& node = index_.node(n);
    if (position >= node.input_size() || !model_.HasWeight(node.input(position))) return std::nullopt;
    auto spec = model_.WeightSpec(node.input(position));
    if (!spec.ok() || spec->dtype != DType::kFloat || spec->shape.empty()) return std::nullopt;
    if (spec->shape.back() != channels || ElementCount(spec->shape) != channels) return std::nullopt;
    return WeightScale{n, position, static_cast<int>(spec->shape.size()) - 1, {}};
  }

  // What has to be divided so that `value` is; only its own readers see the change.
  bool FoldInto(const std::string& value, int64_t channels, Fold* fold) const {
    int n = index_.Producer(value);
    if (n < 0 || index_.node(n).output(0) != value || !index_.node(n).domain().empty()) return false;
    const auto& node = index_.node(n);
    if (node.op_type() == "LayerNormalization") return Divide(n, 1, channels, fold) && (node.input_size() < 3 || Divide(n, 2, channels, fold));
    if (node.op_type() == "Relu") return Alone(node.input(0)) && FoldInto(node.input(0), channels, fold);
    if (node.op_type() == "Mul") return Divide(n, 1, channels, fold) || Divide(n, 0, channels, fold);
    if (node.op_type() == "Add") {
      for (int constant : {1, 0}) {
        if (!VectorInput(n, constant, channels)) continue;
        const std::string& other = node.input(1 - constant);
        return Alone(other) && FoldInto(other, channels, fold) && Divide(n, constant, channels, fold);
      }
    }
    return FoldIntoProduct(n, channels, fold);
  }

  bool Alone(const std::string& value) const { return index_.OnlyUse(value) != nullptr; }

  bool Divide(int n, int position, int64_t channels, Fold* fold) const {
    auto scale = VectorInput(n, position, channels);
    if (scale) fold->divide.push_back(*scale);
    return scale.has_value();
  }

  // The linear layer before: uneven columns cost nothing where each has its own scale.
  bool FoldIntoProduct(int n, int64_t channels, Fold* fold) const {
    auto product = AsProduct(n);
    if (!product || (at(n).mode != OpMode::kFloat && !at(n).config.per_channel)) return false;
    int bias = at(n).traits.bias;
    if (bias >= 0 && !Divide(n, bias, channels, fold)) return false;
    fold->divide.push_back({n, product->weight, 1 - product->axis, {}});
    return true;
  }

  const QuantConfig& config_;
  const ChannelMagnitudes& magnitudes_;
  const std::map<std::string, std::vector<float>>* given_;
  RewrittenModel& rewritten_;
  Model& model_;
  GraphIndex index_;
  Plan plan_;
  std::vector<WeightScale> scales_;
  std::vector<std::pair<Group, std::vector<float>>> inserted_;  // groups with what their value is multiplied by
  std::map<std::string, std::vector<float>> used_;
};

}  // namespace

Result<std::map<std::string, std::vector<float>>> SmoothActivations(const QuantConfig& config, const ChannelMagnitudes& magnitudes,
                                                                    const std::map<std::string, std::vector<float>>* given,
                                                                    RewrittenModel* rewritten) {
  return Smoother(config, magnitudes, given, rewritten).Run();
}

}  // namespace ns
