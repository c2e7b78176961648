#include "tune/strategies/treatment.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

namespace ns {

namespace {

constexpr double kLeastStep = 0.5;   // dB that one more treatment must gain
constexpr double kLessNoise = 0.89;  // the same step
constexpr double kLeastTotal = 1.0;  // dB that are worth a full evaluation
constexpr double kHopeless = 3.0;    // dB below which outputs are noise, whatever was gained
constexpr double kFirstAlpha = 0.5;
constexpr double kOtherAlphas[] = {0.3, 0.4, 0.6, 0.7, 0.8};

struct Treatment {
  std::string label;
  std::function<void(QuantConfig&)> apply;
  double gain_db = 0;
};

void Smooth(QuantConfig& config, double alpha) {
  config.smooth_quant.emplace();
  config.smooth_quant->alpha = alpha;
}

void Calibrate(QuantConfig& config, CalibrationMethod method) {
  config.defaults.calibration = method;
  for (auto& [name, op] : config.operators) op.calibration = method;
}

void GiveZeroPoints(QuantConfig& config) {
  config.defaults.zero_points = true;
  for (auto& [name, op] : config.operators) op.zero_points = true;
}

std::vector<Treatment> Known(const TuningSpace& space, const QuantConfig& config) {
  if (config.defaults.mode == OpMode::kWeightOnlyInt4) return {{"zero points", GiveZeroPoints}};
  std::vector<Treatment> treatments;
  bool is_static = config.defaults.mode == OpMode::kStatic;
  if (space.recipes.equalize && is_static) treatments.push_back({"equalized", [](QuantConfig& c) { c.equalize = true; }});
  if (space.recipes.smooth_quant)
    treatments.push_back({fmt::format("smoothed {:.2f}", kFirstAlpha), [](QuantConfig& c) { Smooth(c, kFirstAlpha); }});
  if (!is_static) return treatments;
  for (CalibrationMethod method : space.calibrations) {
    if (method == config.defaults.calibration) continue;
    treatments.push_back({std::string(CalibrationMethodName(method)), [method](QuantConfig& c) { Calibrate(c, method); }});
  }
  if (space.recipes.bias_correction) treatments.push_back({"biases corrected", [](QuantConfig& c) { c.bias_correction = true; }});
  return treatments;
}

// Another alpha where that is better.
Status SearchAlpha(Inquiry& ask, QuantConfig* config, double* sqnr_db, std::string* label) {
  std::vector<QuantConfig> others;
  for (double alpha : kOtherAlphas) {
    others.push_back(*config);
    Smooth(others.back(), alpha);
  }
  NS_ASSIGN_OR_RETURN(auto sqnr, ask.OutputSqnr(others));
  auto best = std::max_element(sqnr.begin(), sqnr.end());
  if (*best <= *sqnr_db) return OkStatus();
  size_t chosen = static_cast<size_t>(best - sqnr.begin());
  *config = others[chosen];
  *sqnr_db = *best;
  *label = fmt::format("smoothed {:.2f}", kOtherAlphas[chosen]);
  return OkStatus();
}

// Operators that read one value.
struct Group {
  std::string value;
  std::vector<std::string> operators;
};

// Each with the noise of its operators' outputs, relative to their signals, summed up.
std::vector<std::pair<Group, double>> NoiseByGroup(const TuningSpace& space, const std::vector<OperatorScore>& scores) {
  std::map<std::string, std::string> reads;
  for (const SpaceOperator& op : space.operators) reads[op.name] = op.input.empty() ? "of " + op.name : op.input;
  std::vector<std::pair<Group, double>> groups;
  std::map<std::string, size_t> place;
  for (const OperatorScore& score : scores) {
    auto [entry, added] = place.try_emplace(reads[score.name], groups.size());
    if (added) groups.push_back({{entry->first, {}}, 0});
    auto& [group, noise] = groups[entry->second];
    group.operators.push_back(score.name);
    noise += std::pow(10, -score.sqnr_db / 10);
  }
  return groups;
}

}  // namespace

Result<Treated> Treat(Inquiry& ask, const QuantConfig& config, const std::string& label) {
  std::vector<Treatment> treatments = Known(ask.history().problem().space, config);
  Treated treated{config, label, false};
  if (treatments.empty()) return treated;
  std::vector<QuantConfig> alone = {config};
  for (const Treatment& treatment : treatments) {
    alone.push_back(config);
    treatment.apply(alone.back());
  }
  NS_ASSIGN_OR_RETURN(auto sqnr, ask.OutputSqnr(alone));
  for (size_t i = 0; i < treatments.size(); ++i) treatments[i].gain_db = sqnr[i + 1] - sqnr[0];
  std::stable_sort(treatments.begin(), treatments.end(),
                   [](const Treatment& a, const Treatment& b) { return a.gain_db > b.gain_db; });
  double reached = sqnr[0];
  for (const Treatment& treatment : treatments) {
    if (!(treatment.gain_db >= kLeastStep)) break;
    QuantConfig more = treated.config;
    treatment.apply(more);
    NS_ASSIGN_OR_RETURN(double db, ask.OutputSqnr(more));
    std::string step = treatment.label;
    if (more.smooth_quant && !treated.config.smooth_quant) NS_RETURN_IF_ERROR(SearchAlpha(ask, &more, &db, &step));
    if (db < reached + kLeastStep) continue;
    treated.config = std::move(more);
    treated.label += ", " + step;
    reached = db;
  }
  treated.changed = reached >= std::max(sqnr[0] + kLeastTotal, kHopeless);
  if (!treated.changed) return Treated{config, label, false};
  return treated;
}

Result<Treated> SmoothLayerByLayer(Inquiry& ask, const Treated& treated) {
  Treated finer{treated.config, treated.label + ", alpha by layer", false};
  std::vector<double> alphas = {treated.config.smooth_quant->alpha};
  for (double alpha : {0.3, 0.4, 0.5, 0.6, 0.7, 0.8})
    if (alpha != alphas[0]) alphas.push_back(alpha);
  std::vector<QuantConfig> configs(alphas.size(), treated.config);
  for (size_t i = 0; i < alphas.size(); ++i) Smooth(configs[i], alphas[i]);
  NS_ASSIGN_OR_RETURN(auto errors, ask.Errors(configs));
  std::map<std::string, double> least;  // noise by group: of one value's readers together, for they are smoothed by the same factors
  for (size_t i = 0; i < alphas.size(); ++i) {
    for (const auto& [group, noise] : NoiseByGroup(ask.history().problem().space, errors[i])) {
      auto [entry, first] = least.try_emplace(group.value, noise);
      if (first || !(noise <= entry->second * kLessNoise)) continue;
      entry->second = noise;
      for (const std::string& name : group.operators) finer.config.smooth_quant->alphas[name] = alphas[i];
    }
  }
  if (finer.config.smooth_quant->alphas.empty()) return finer;
  NS_ASSIGN_OR_RETURN(auto sqnr, ask.OutputSqnr({treated.config, finer.config}));
  finer.changed = sqnr[1] >= std::max(sqnr[0] + kLeastTotal, kHopeless);
  return finer;
}

}  // namespace ns
