// What an optimization decided, so that it can be done again without calibrating or tuning: recipe.json.
//
//   {"version": 2, "model_sha256": "...", "label": "static, 3 operators in float", "keep_float": false,
//    "config": {"defaults": {"mode": "static", "calibration": "minmax", "weights": "per_channel"},
//               "operators": {"node": {"mode": "float"}}, "percentile": 99.99, ...},
//    "ranges": {"value": {"minmax": [min, max]}}, "smooth_factors": {"value": [...]},
//    "bias_corrections": {"node": [...]}, "session": {...}, "result_sha256": "...", "made_by": {"neural_solution": "0.1.0", ...}}
//
// An operator's entry holds what differs from the defaults. Version 1, which is read too, had one treatment of everything but the mode, and
// so one range a value. The same model file, recipe and version of ours give the same model, byte for byte.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "quantize/config.h"
#include "quantize/facts.h"
#include "tasks/session_settings.h"

namespace ns {

struct Recipe {
  std::string model_sha256;                    // of the model it was made for (DigestOfModel)
  std::string label;                           // for people
  bool keep_float = false;                     // the answer was the prepared fp32 model
  QuantConfig config;                          // unless keep_float
  QuantFacts facts;                            // what the data said
  std::optional<SessionSettings> session;      // that ran fastest; none: not searched
  std::string result_sha256;                   // of the model.onnx that it gave; "": not known
  std::map<std::string, std::string> made_by;  // versions
};

std::string RecipeToJson(const Recipe& recipe);
// InvalidArgument (BAD_RECIPE) says what is wrong with it: also a range that is not finite or runs backwards.
Result<Recipe> ParseRecipe(std::string_view json);
// Errors of ReadFile() and ParseRecipe(), with the file's name.
Result<Recipe> ReadRecipe(const std::filesystem::path& file);

}  // namespace ns
