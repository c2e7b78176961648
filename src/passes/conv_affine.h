// Folding "multiply and add per output channel" into the Conv or ConvTranspose before it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/graph_index.h"
#include "graph/model.h"

namespace ns {

// y[c] = x[c] * factor[c] + shift[c] for each output channel c.
struct ChannelAffine {
  std::vector<float> factor;
  std::vector<float> shift;
};

// A convolution that may take an affine in: float32 weight and bias (if any) are weights of the model.
struct FoldableConv {
  int node = 0;           // position
  int64_t channels = 0;   // of its output
  int rank = 0;           // of its output
};

// The convolution that makes `value`, if it is foldable and the value goes nowhere but to one node.
std::optional<FoldableConv> FindFoldableConv(const Model& model, const GraphIndex& index, const std::string& value);

// Gives the convolution new weights (others may share the old ones, which stay): W * factor and b * factor + shift.
Status FoldIntoConv(Model& model, const FoldableConv& conv, const ChannelAffine& affine);

// Removes node `user` (the convolution's only user), whose output 0 the convolution now makes itself.
void TakeOverOutput(Model& model, const FoldableConv& conv, int user);

}  // namespace ns
