#include "quantize/recipes/channel_scale.h"

#include <algorithm>
#include <cmath>

namespace ns {

namespace {

// Sizes of what lies before, on and behind the axis.
struct Layout {
  size_t outer = 1, size = 1, inner = 1;
  Layout(const Shape& shape, int axis) {
    for (int i = 0; i < static_cast<int>(shape.size()); ++i) {
      (i < axis ? outer : i == axis ? size : inner) *= static_cast<size_t>(shape[static_cast<size_t>(i)]);
    }
  }
};

}  // namespace

Status ApplyWeightScale(Model& model, const WeightScale& scale) {
  auto& node = *model.mutable_graph().mutable_node(scale.node);
  const std::string old_name = node.input(scale.input);
  NS_ASSIGN_OR_RETURN(Tensor weight, model.Weight(old_name));
  Layout layout(weight.shape(), scale.axis);
  NS_CHECK(layout.size == scale.factors.size(), "{} factors for axis {} of '{}' {}", scale.factors.size(), scale.axis, old_name,
           ShapeToString(weight.shape()));
  Tensor scaled = Tensor::From<float>(weight.shape(), weight.values<float>());
  ScaleAlong(&scaled, scale.axis, scale.factors);
  std::string name = model.UniqueName(old_name + "_rescaled");
  model.SetWeight(name, std::move(scaled));
  model.DropWeightPages(old_name);
  node.set_input(scale.input, name);
  return OkStatus();
}

void ScaleAlong(Tensor* tensor, int axis, std::span<const float> factors) {
  Layout layout(tensor->shape(), axis);
  float* value = tensor->mutable_values<float>().data();
  for (size_t outer = 0; outer < layout.outer; ++outer) {
    for (float factor : factors) {
      for (size_t i = 0; i < layout.inner; ++i) *value++ *= factor;
    }
  }
}

void ForEachAlong(const Tensor& tensor, int axis, const std::function<void(float value, size_t index)>& visit) {
  Layout layout(tensor.shape(), axis);
  const float* value = tensor.values<float>().data();
  for (size_t outer = 0; outer < layout.outer; ++outer) {
    for (size_t index = 0; index < layout.size; ++index) {
      for (size_t i = 0; i < layout.inner; ++i) visit(*value++, index);
    }
  }
}

std::vector<float> AbsMaximaAlong(const Tensor& weight, int axis) {
  Layout layout(weight.shape(), axis);
  std::vector<float> maxima(layout.size, 0);
  const float* value = weight.values<float>().data();
  for (size_t outer = 0; outer < layout.outer; ++outer) {
    for (float& most : maxima) {
      for (size_t i = 0; i < layout.inner; ++i) most = std::max(most, std::fabs(*value++));
    }
  }
  return maxima;
}

std::vector<float> Inverse(std::span<const float> factors) {
  std::vector<float> inverse;
  for (float factor : factors) inverse.push_back(1 / factor);
  return inverse;
}

}  // namespace ns
