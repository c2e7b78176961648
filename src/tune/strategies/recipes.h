// The recipes over a whole model that `basic` and its kin try, each alone and all together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tune/tuning_space.h"

namespace ns {

struct ModelRecipe {
  std::string label;  // "smoothed 0.50"
  std::function<void(QuantConfig&)> apply;
};

// Those that treat the whole model and leave each operator's own treatment alone.
std::vector<ModelRecipe> WholeModelRecipes(const TuningSpace& space);

// The first and the last operator that can have `mode`, where there are at least three; else none.
std::vector<std::string> EndOperators(const TuningSpace& space, OpMode mode);

// Each of EndOperators() alone kept in float.
std::vector<ModelRecipe> EndsInFloat(const TuningSpace& space, OpMode mode);

// All that mean something for a model whose operators mostly have `mode`, in the order in which they are tried: the above, then the
// first and the last operator that can be quantized kept in float (where there are at least three).
std::vector<ModelRecipe> RecipesFor(const TuningSpace& space, OpMode mode);

}  // namespace ns
