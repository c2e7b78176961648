#include "tune/strategies/recipes.h"

namespace ns {

std::vector<Recipe> RecipesFor(const TuningSpace& space, OpMode mode) {
  std::vector<Recipe> recipes;
  std::vector<std::string> quantized;
  for (const SpaceOperator& op : space.operators)
    if (op.FirstWith(mode) != nullptr) quantized.push_back(op.name);
  if (quantized.size() >= 3) {
    auto keep = [&](const char* label, const std::string& name) {
      recipes.push_back({label, [name](QuantConfig& config) { config.SetMode(name, OpMode::kFloat); }});
    };
    keep("first operator in float", quantized.front());
    keep("last operator in float", quantized.back());
  }
  return recipes;
}

}  // namespace ns
