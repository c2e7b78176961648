// Computes once, now, what depends on weights only.
#pragma once

#include <cstdint>

#include "passes/pass.h"

namespace ns {

// Nodes of the default domain whose inputs are all weights (or results of such nodes) are computed by the context's evaluator and become
// weights. Also Shape of a value whose shape is known, and Gather of the sizes in it that are known. Left alone: random operators, quantization (QuantizeLinear, DequantizeLinear,
// DynamicQuantizeLinear), control flow, nodes with subgraphs, strings, results over the limit or of unknown size.
class FoldConstants final : public Pass {
 public:
  struct Options {
    // Largest result to keep, in bytes; a larger one is kept only up to twice the bytes of what it is computed from, so that a weight's
    // Transpose or Cast folds and an expansion does not.
    uint64_t max_bytes = uint64_t{1} << 20;
  };
  FoldConstants() = default;
  explicit FoldConstants(const Options& options) : options_(options) {}

  std::string_view name() const override { return "fold-constants"; }
  Result<int> Run(Model& model, const PassContext& context) override;

 private:
  Options options_;
};

}  // namespace ns
