#include "passes/fold_scale_shift.h"

#include <cmath>
#include <set>

#include "passes/conv_affine.h"

namespace ns {
namespace {

using ns_onnx::NodeProto;

// The constant's value for each channel; none when it varies along another axis, or would make the result larger.
std::optional<std::vector<float>> PerChannel(const Model& model, const std::string& name, const FoldableConv& conv) {
  auto tensor = model.Weight(name);
  if (!tensor.ok() || tensor->dtype() != DType::kFloat) return std::nullopt;
  const Shape& shape = tensor->shape();
  int rank = static_cast<int>(shape.size());
  if (rank > conv.rank) return std::nullopt;
  for (int i = 0; i < rank; ++i) {
    int axis = conv.rank - rank + i;  // broadcasting aligns the last axes
    int64_t size = shape[static_cast<size_t>(i)];
    if (size != 1 && !(axis == 1 && size == conv.channels)) return std::nullopt;
  }
  auto values = tensor->values<float>();
  if (values.size() == 1) return std::vector<float>(static_cast<size_t>(conv.channels), values[0]);
  return std::vector<float>(values.begin(), values.end());
}

// What the node does to the convolution's result, its input number `from`.
std::optional<ChannelAffine> AffineOf(const Model& model, const NodeProto& node, int from, const FoldableConv& conv) {
  std::optional<std::vector<float>> constant = PerChannel(model, node.input(1 - from), conv);
  if (!constant) return std::nullopt;
  ChannelAffine affine;
  affine.factor.assign(constant->size(), 1.0f);
  affine.shift.assign(constant->size(), 0.0f);
  for (size_t c = 0; c < constant->size(); ++c) {
    float value = (*constant)[c];
    if (node.op_type() == "Mul") affine.factor[c] = value;
    if (node.op_type() == "Add") affine.shift[c] = value;
    if (node.op_type() == "Sub") affine.shift[c] = -value;
    if (node.op_type() == "Div") affine.factor[c] = 1.0f / value;
    if (!std::isfinite(affine.factor[c])) return std::nullopt;
  }
  return affine;
}

}  // namespace

Result<int> FoldScaleShift::Run(Model& model, const PassContext&) {
  static const std::set<std::string> kEitherSide = {"Mul", "Add"}, kLeftOnly = {"Sub", "Div"};
  ConvFolds folds(model);
  for (int n = 0; n < model.graph().node_size(); ++n) {
    const NodeProto& node = model.graph().node(n);
    int sides = !node.domain().empty() ? 0 : kEitherSide.contains(node.op_type()) ? 2 : kLeftOnly.contains(node.op_type()) ? 1 : 0;
    for (int from = 0; from < sides; ++from) {
      std::optional<FoldableConv> conv = folds.Find(node.input(from));
      std::optional<ChannelAffine> affine;
      if (conv) affine = AffineOf(model, node, from, *conv);
      if (!affine) continue;
      folds.Add(*conv, *std::move(affine), n);
      break;
    }
  }
  return folds.Apply(model);
}

}  // namespace ns
