// Removes nodes that hand their input on: Identity, Dropout at inference, Cast to the type it has, Transpose that moves nothing,
// Concat, Sum, Max, Min, Mean of a single input, Relu of what a Relu made.
#pragma once

#include "passes/pass.h"

namespace ns {

// A node between a graph input (or weight) and a graph output stays: both have names that must not change.
// Dropout stays when its mask is used or when its training mode is not known to be off.
class RemoveIdentities final : public Pass {
 public:
  std::string_view name() const override { return "remove-identities"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
