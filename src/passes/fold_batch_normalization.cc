#include "passes/fold_batch_normalization.h"

#include <cmath>

#include "graph/attributes.h"
#include "passes/conv_affine.h"

namespace ns {
namespace {

using ns_onnx::NodeProto;

// None when it trains, or a parameter is not a float32 weight of the right length, or a channel's result is not finite
// (a negative variance, or one of 0 with epsilon 0): a folded weight would spread it over all that the convolution sees.
std::optional<ChannelAffine> AffineOf(const Model& model, const NodeProto& node, int64_t channels) {
  if (node.input_size() != 5 || IntAttribute(node, "training_mode", 0) != 0) return std::nullopt;
  for (int i = 1; i < node.output_size(); ++i)
    if (!node.output(i).empty()) return std::nullopt;
  std::vector<Tensor> parameters;  // scale, B, mean, variance
  for (int i = 1; i < 5; ++i) {
    auto tensor = model.Weight(node.input(i));
    if (!tensor.ok() || tensor->dtype() != DType::kFloat || tensor->count() != channels) return std::nullopt;
    parameters.push_back(*tensor);
  }
  double epsilon = FloatAttribute(node, "epsilon", 1e-5f);
  ChannelAffine affine;
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    auto at = [&](size_t which) { return static_cast<double>(parameters[which].values<float>()[c]); };
    double factor = at(0) / std::sqrt(at(3) + epsilon);
    affine.factor.push_back(static_cast<float>(factor));
    affine.shift.push_back(static_cast<float>(at(1) - at(2) * factor));
    if (!std::isfinite(affine.factor.back()) || !std::isfinite(affine.shift.back())) return std::nullopt;
  }
  return affine;
}

}  // namespace

Result<int> FoldBatchNormalization::Run(Model& model, const PassContext&) {
  ConvFolds folds(model);
  for (int n = 0; n < model.graph().node_size(); ++n) {
    const NodeProto& node = model.graph().node(n);
    if (node.op_type() != "BatchNormalization" || !node.domain().empty()) continue;
    std::optional<FoldableConv> conv = folds.Find(node.input(0));
    std::optional<ChannelAffine> affine;
    if (conv) affine = AffineOf(model, node, conv->channels);
    if (affine) folds.Add(*conv, *std::move(affine), n);
  }
  return folds.Apply(model);
}

}  // namespace ns
