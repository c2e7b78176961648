// Removes nodes whose results nobody uses, and weights that no node uses.
#pragma once

#include "passes/pass.h"

namespace ns {

// A node goes when none of its outputs is a graph output or used, in the main graph or a subgraph. Whole dead chains go in one run.
// Nodes of other domains stay: they may do something. Graph inputs stay, used or not.
class RemoveDead final : public Pass {
 public:
  std::string_view name() const override { return "remove-dead"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
