// Multiplying weights channel by channel, of which cross-layer equalization and SmoothQuant are made.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/model.h"

namespace ns {

// Multiplies one input of one node, a float32 weight of the model, along one axis.
struct WeightScale {
  int node = 0;    // position in graph.node()
  int input = 0;
  int axis = 0;    // the factors belong to the indexes of this axis
  std::vector<float> factors;
};

// Gives the node a weight of its own with the factors multiplied in; the old one stays for others. Later scales of the same input act on
// the result of earlier ones.
Status ApplyWeightScale(Model& model, const WeightScale& scale);

// Multiplies in place what belongs to each index of `axis`; nobody shares the tensor.
void ScaleAlong(Tensor* tensor, int axis, std::span<const float> factors);

// The largest magnitude at each index of `axis`.
std::vector<float> AbsMaximaAlong(const Tensor& weight, int axis);

// Calls `visit` with each element of `tensor` and its index on `axis`, in memory order.
void ForEachAlong(const Tensor& tensor, int axis, const std::function<void(float value, size_t index)>& visit);

std::vector<float> Inverse(std::span<const float> factors);

}  // namespace ns
