#include "tasks/task_spec.h"

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

}  // namespace ns
