// Gives every node of the main graph a name of its own, by which reports, recipes and configurations speak of it.
#pragma once

#include "passes/pass.h"

namespace ns {

// A node keeps its name unless it has none or an earlier node has the same; then it is named after its type ("Conv", "Conv_1", ...). The
// same graph gets the same names every time.
class NameNodes final : public Pass {
 public:
  std::string_view name() const override { return "name-nodes"; }
  Result<int> Run(Model& model, const PassContext& context) override;
};

}  // namespace ns
