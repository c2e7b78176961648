#include "tune/strategies/recipes.h"

#include "base/status.h"

namespace ns {

std::vector<ModelRecipe> WholeModelRecipes(const TuningSpace& space) {
  std::vector<ModelRecipe> recipes;
  if (space.recipes.smooth_quant) {
    recipes.push_back({fmt::format("smoothed {:.2f}", SmoothQuantConfig().alpha), [](QuantConfig& config) { config.smooth_quant.emplace(); }});
  }
  if (space.recipes.equalize) recipes.push_back({"equalized", [](QuantConfig& config) { config.equalize = true; }});
  if (space.recipes.bias_correction) recipes.push_back({"biases corrected", [](QuantConfig& config) { config.bias_correction = true; }});
  return recipes;
}

std::vector<std::string> EndOperators(const TuningSpace& space, OpMode mode) {
  std::vector<std::string> quantized;
  for (const SpaceOperator& op : space.operators)
    if (op.FirstWith(mode) != nullptr) quantized.push_back(op.name);
  if (quantized.size() < 3) return {};
  return {quantized.front(), quantized.back()};
}

std::vector<ModelRecipe> EndsInFloat(const TuningSpace& space, OpMode mode) {
  std::vector<ModelRecipe> recipes;
  for (const std::string& name : EndOperators(space, mode)) {
    const char* label = recipes.empty() ? "first operator in float" : "last operator in float";
    recipes.push_back({label, [name](QuantConfig& config) { config.SetMode(name, OpMode::kFloat); }});
  }
  return recipes;
}

std::vector<ModelRecipe> RecipesFor(const TuningSpace& space, OpMode mode) {
  std::vector<ModelRecipe> recipes;
  if (mode == OpMode::kStatic || mode == OpMode::kDynamic) recipes = WholeModelRecipes(space);
  for (ModelRecipe& recipe : EndsInFloat(space, mode)) recipes.push_back(std::move(recipe));
  return recipes;
}

}  // namespace ns
