// Folding "multiply and add per output channel" into the Conv or ConvTranspose before it.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
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

// Collects what is to be folded, then changes the model once: the time is linear in the nodes.
class ConvFolds {
 public:
  // Keeps a reference to the model, which stays unchanged until Apply().
  explicit ConvFolds(const Model& model) : model_(model), index_(model) {}

  // The convolution that makes `value`, by itself or with what was folded into it so far, if it is foldable and the value goes nowhere but
  // to one node.
  std::optional<FoldableConv> Find(const std::string& value) const;
  // Node `user`, the convolution's only user, goes; the convolution makes its output 0 itself.
  void Add(const FoldableConv& conv, ChannelAffine affine, int user);
  // Gives the convolutions new weights (others may share the old ones, which stay): W * factor and b * factor + shift. `model` is the one
  // that this was made of. Returns how many were folded; nothing else may be called then.
  Result<int> Apply(Model& model) const;

 private:
  struct Fold {
    FoldableConv conv;
    ChannelAffine affine;
    int user = 0;
  };

  const Model& model_;
  GraphIndex index_;
  std::vector<Fold> folds_;
  std::unordered_map<int, int> taken_over_;  // user: convolution
};

}  // namespace ns
