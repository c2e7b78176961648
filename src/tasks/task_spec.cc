#include "tasks/task_spec.h"

#include <algorithm>

namespace ns {

std::string ApproachName(Approach approach) {
  switch (approach) {
    case Approach::kAuto: return "auto";
    case Approach::kStatic: return "static";
    case Approach::kDynamic: return "dynamic";
  }
  return "auto";
}

const std::vector<std::string>& KnownMetrics() {
  static const std::vector<std::string> names = {"accuracy", "f1", "f1_macro", "mcc", "pearson", "spearman",
                                                 "top5", "mse", "mae", "perplexity", "agreement"};
  return names;
}

const std::vector<std::string>& KnownStrategies() {
  static const std::vector<std::string> names = {"auto",     "basic", "conservative", "mse",       "mse_v2",
                                                 "bayesian", "tpe",   "random",       "exhaustive"};
  return names;
}

const std::vector<std::string>& KnownCalibrationMethods() {
  static const std::vector<std::string> names = {"minmax", "moving_average", "entropy", "percentile", "mse"};
  return names;
}

const std::vector<std::string>& KnownDtypes() {
  static const std::vector<std::string> names = {"int8", "int4", "fp32"};
  return names;
}

bool AllowsDtype(const std::vector<std::string>& dtypes, std::string_view dtype) {
  return dtypes.empty() || std::find(dtypes.begin(), dtypes.end(), dtype) != dtypes.end();
}

std::string DtypesConflict(Approach approach, const std::vector<std::string>& dtypes) {
  if (approach == Approach::kAuto || AllowsDtype(dtypes, "int8")) return "";
  std::string given;
  for (const std::string& dtype : dtypes) given += (given.empty() ? "" : ", ") + dtype;
  return "must hold int8, in which the approach " + ApproachName(approach) + " computes, got " + given +
         "; the approach auto takes any of them";
}

}  // namespace ns
