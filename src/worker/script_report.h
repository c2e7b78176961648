// What a script told through our Python package (python/neural_solution): the file that its report() writes.
//   {"model": "out/model.onnx", "metric": "accuracy", "accuracy": 0.91, "baseline_accuracy": 0.92, "duration": 1.5, "baseline_duration": 3.0,
//    "goal_met": true}
// Everything may be left out.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

struct ScriptReport {
  std::string model;  // path of the optimized model: a file or a folder, absolute or from the script's working folder
  std::string metric = "accuracy";
  std::optional<double> accuracy, baseline_accuracy;
  std::optional<double> duration, baseline_duration;  // seconds of an evaluation
  std::optional<bool> goal_met;
};

// InvalidArgument (BAD_SCRIPT_REPORT): not a JSON object, or a field of another type, named.
Result<ScriptReport> ParseScriptReport(std::string_view json);

}  // namespace ns
